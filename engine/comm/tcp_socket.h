// Sockets that never block for longer than a watchdog allows.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "engine/comm/watchdog.h"

namespace rlnas {

class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Socket();

  explicit operator bool() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// Listens on `port`, on the loopback alone where `host` is the loopback by name. Errors: communication.
Socket listen_at(const std::string& host, int port, Watchdog& watchdog);
// The next connection; empty when none came within `wait_ms`.
Socket accept_from(const Socket& listener, int wait_ms);
// Tries until somebody listens there. Errors: communication.
Socket connect_to(const std::string& host, int port, Watchdog& watchdog);

enum class Flow { send, receive };

struct Transfer {
  const Socket* socket;
  char* data;  // not written to when sending
  std::size_t bytes;
  int peer;  // its rank, for messages
};

// Moves all of them side by side. Errors: communication when a peer is gone or nothing moves for too long.
void move_all(Flow flow, std::vector<Transfer> transfers, Watchdog& watchdog);

}  // namespace rlnas
