// Ranks over plain sockets: a star around rank 0, which listens where MASTER_ADDR and MASTER_PORT say. What
// CPU runs started the way of torchrun talk over, and what hands NCCL its id. They meet by meeting.h. A rank
// that ends closes its sockets, so the others know at once.
#pragma once

#include <string>
#include <vector>

#include "engine/comm/communicator.h"
#include "engine/comm/tcp_socket.h"

namespace rlnas {

struct TcpSpec {
  RankPlace place;
  std::string host;  // of rank 0
  int port = 0;
  double timeout_s = 600.0;
  double meeting_timeout_s = 600.0;  // until all ranks have started
  std::string token = {};            // that all ranks were given; empty: none
};

class TcpCommunicator final : public Communicator {
 public:
  // Waits until all ranks are there. Errors: communication.
  explicit TcpCommunicator(const TcpSpec& spec);

  std::string description() const override;
  void all_reduce_sum(float* values, std::size_t count, const char* what) override;
  void broadcast(void* data, std::size_t bytes, const char* what) override;
  void all_gather(const void* mine, std::size_t bytes, void* all, const char* what) override;
  std::unique_ptr<GradientExchange> make_gradient_exchange(Device& device) override;

 private:
  // What leads every message: ranks that are not at the same operation find out here.
  struct Header {
    std::uint32_t magic, kind;
    std::uint64_t sequence, bytes;
    friend bool operator==(const Header&, const Header&) = default;
  };

  void begin(std::uint32_t kind, std::size_t bytes, const char* what);
  // Rank 0 <- others: `slots` [size - 1] at rank 0, one for each of the others; `mine` at theirs.
  void collect(const void* mine, std::size_t bytes, const std::vector<char*>& slots);
  // Rank 0 -> others.
  void distribute(void* data, std::size_t bytes);
  std::vector<Transfer> to_peers(const std::vector<char*>& data, std::size_t bytes) const;

  TcpSpec spec_;
  Watchdog watchdog_;
  std::vector<Socket> peers_;   // at rank 0: ranks 1, 2, ...; elsewhere: rank 0
  Header header_{};             // of the operation under way
  std::vector<float> staging_;  // at rank 0: the others' values
};

}  // namespace rlnas
