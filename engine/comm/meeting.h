// How ranks meet over TCP: each of the others connects to rank 0, both say who they are and show that they
// know the run's token (token.h). Whoever cannot is a stranger, who costs rank 0 a place among those that
// wait at the door, for a few seconds at most, and nothing else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/comm/communicator.h"
#include "engine/comm/tcp_socket.h"
#include "engine/comm/token.h"

namespace rlnas {

inline constexpr std::uint32_t kTcpMagic = 0x726c6e32;  // "rln2": changes with the protocol

// What a rank says first.
struct Greeting {
  std::uint32_t magic = kTcpMagic;
  std::int32_t rank = 0, size = 0;
  Nonce nonce = {};
};
// What rank 0 answers. Then the rank sends its own proof, and rank 0 kTcpMagic: come in.
struct Answer {
  Greeting greeting;
  Proof proof = {};
};

// Somebody at the door of rank 0, who may be anybody: bytes in, bytes out.
class Guest {
 public:
  // Both must outlive it.
  Guest(const RankPlace& place, const std::string& token) : place_(place), token_(token) {}

  enum class Verdict { waits, stranger, knows_token };
  // `reply`: what to send now.
  Verdict take(std::string_view bytes, std::string& reply);
  // Of one who knows the token.
  int rank() const { return greeting_.rank; }
  int size() const { return greeting_.size; }

 private:
  const RankPlace& place_;
  const std::string& token_;
  std::string received_;
  bool greeted_ = false;
  Greeting greeting_, own_;
};

struct MeetingPlace {
  std::string host;  // of rank 0
  int port = 0;
};

// Of rank 0: waits until all others are there, in order of their ranks. Errors: communication, also when one
// that knows the token was started with another WORLD_SIZE or has the rank of another.
std::vector<Socket> accept_ranks(const RankPlace& place, const MeetingPlace& where, const std::string& token,
                                 Watchdog& watchdog);
// Of the others. Errors: communication, also when rank 0 does not know the token.
Socket join_root(const RankPlace& place, const MeetingPlace& where, const std::string& token,
                 Watchdog& watchdog);

}  // namespace rlnas
