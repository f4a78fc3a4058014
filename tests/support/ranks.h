// The ranks of a run as threads of the test, talking over TCP on the loopback.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "engine/comm/tcp_communicator.h"
#include "rlnas/error.hpp"

namespace rlnas::test {

// A port of the loopback that nobody listens on and that is this test's while the object lives: the system
// gives a bound port to no one else, and SO_REUSEADDR, which rank 0 sets too, lets rank 0 listen there all
// the same.
class ReservedPort {
 public:
  ReservedPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    const int on = 1;
    setsockopt(socket_.descriptor(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(socket_.descriptor(), reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
        getsockname(socket_.descriptor(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
      throw std::runtime_error("no port on the loopback");
    number_ = ntohs(address.sin_port);
  }
  int number() const { return number_; }

 private:
  Socket socket_;
  int number_ = 0;
};

inline TcpSpec tcp_spec(int rank, int size, int port, double timeout_s = 60.0,
                        double meeting_timeout_s = 60.0) {
  return {.place = {.rank = rank, .size = size, .local_rank = rank, .local_size = size},
          .host = "127.0.0.1",
          .port = port,
          .timeout_s = timeout_s,
          .meeting_timeout_s = meeting_timeout_s};
}

// Counts a latch down when its block ends, by an error too: another rank waits until then.
class CountedDown {
 public:
  explicit CountedDown(std::latch* latch) : latch_(latch) {}
  ~CountedDown() {
    if (latch_ != nullptr) latch_->count_down();
  }
  CountedDown(const CountedDown&) = delete;
  CountedDown& operator=(const CountedDown&) = delete;

 private:
  std::latch* latch_;
};

struct RankOutcome {
  std::string error;  // empty: none
  int code = 0;       // of an rlnas::Error
};

// Runs `rank_main(r)` for every rank r, each in a thread.
inline std::vector<RankOutcome> run_threads(int size, const std::function<void(int rank)>& rank_main) {
  std::vector<RankOutcome> outcomes{std::size_t(size)};
  {
    std::vector<std::jthread> threads;
    for (int rank = 0; rank < size; ++rank)
      threads.emplace_back([&, rank] {
        RankOutcome& outcome = outcomes[std::size_t(rank)];
        try {
          rank_main(rank);
        } catch (const Error& error) {
          outcome = {error.what(), int(error.code())};
        } catch (const std::exception& error) {
          outcome = {error.what(), -1};
        }
      });
  }
  return outcomes;
}

// Runs `body` on every rank with a communicator of its own, which ends with it.
inline std::vector<RankOutcome> run_ranks(int size, const std::function<void(Communicator&)>& body,
                                          double timeout_s = 60.0) {
  const ReservedPort port;
  return run_threads(size, [&](int rank) {
    TcpCommunicator communicator(tcp_spec(rank, size, port.number(), timeout_s));
    body(communicator);
  });
}

}  // namespace rlnas::test
