// The ranks of a run as threads of the test, talking over TCP on the loopback.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "engine/comm/tcp_communicator.h"
#include "rlnas/error.hpp"

namespace rlnas::test {

// A port that nobody listens on.
inline int free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  bind(probe, reinterpret_cast<const sockaddr*>(&address), length);
  getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length);
  close(probe);
  return ntohs(address.sin_port);
}

inline TcpSpec tcp_spec(int rank, int size, int port, double timeout_s = 60.0,
                        double meeting_timeout_s = 60.0) {
  return {.place = {.rank = rank, .size = size, .local_rank = rank, .local_size = size},
          .host = "127.0.0.1",
          .port = port,
          .timeout_s = timeout_s,
          .meeting_timeout_s = meeting_timeout_s};
}

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
  const int port = free_port();
  return run_threads(size, [&](int rank) {
    TcpCommunicator communicator(tcp_spec(rank, size, port, timeout_s));
    body(communicator);
  });
}

}  // namespace rlnas::test
