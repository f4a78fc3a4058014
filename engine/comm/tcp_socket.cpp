#include "engine/comm/tcp_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

namespace rlnas {
namespace {

constexpr int kPollMs = 100;  // how often a wait asks the watchdog

using Addresses = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Addresses resolve(const char* host, int port, int flags, const Watchdog& watchdog) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host, std::to_string(port).c_str(), &hints, &found);
  if (error != 0) watchdog.fail(std::string("MASTER_ADDR ") + host + ": " + gai_strerror(error));
  return {found, &freeaddrinfo};
}

Socket open_socket(const addrinfo& address) {
  return Socket(
      socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address.ai_protocol));
}

void send_at_once(const Socket& socket) {
  const int on = 1;
  setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

bool wait_for(const Socket& socket, short events, int wait_ms) {
  pollfd entry = {socket.descriptor(), events, 0};
  return poll(&entry, 1, wait_ms) > 0;
}

// On the loopback a socket that tries a free port can be given that very port, and is then its own peer.
bool connected_to_itself(const Socket& socket) {
  sockaddr_storage own = {}, peer = {};
  socklen_t own_length = sizeof(own), peer_length = sizeof(peer);
  getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&own), &own_length);
  getpeername(socket.descriptor(), reinterpret_cast<sockaddr*>(&peer), &peer_length);
  return own_length == peer_length && std::memcmp(&own, &peer, own_length) == 0;
}

bool connect_once(const Socket& socket, const addrinfo& address) {
  if (connect(socket.descriptor(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS || !wait_for(socket, POLLOUT, 1000)) return false;
    int error = 0;
    socklen_t length = sizeof(error);
    if (getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0)
      return false;
  }
  return !connected_to_itself(socket);
}

std::string ranks_of(const std::vector<Transfer>& transfers) {
  std::string text = "rank";
  for (const Transfer& t : transfers) text += (&t == transfers.data() ? " " : ", ") + std::to_string(t.peer);
  return text;
}

// Moves what can be moved now. Errors: communication when the peer is gone.
void move_some(Flow flow, Transfer& t, Watchdog& watchdog) {
  const ssize_t moved = flow == Flow::send ? send(t.socket->descriptor(), t.data, t.bytes, MSG_NOSIGNAL)
                                           : recv(t.socket->descriptor(), t.data, t.bytes, 0);
  if (moved > 0) {
    t.data += moved;
    t.bytes -= std::size_t(moved);
    watchdog.progress();
    return;
  }
  if (moved < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return;
  const char* reason = moved < 0 ? std::strerror(errno) : "it has ended";
  watchdog.fail("lost rank " + std::to_string(t.peer) + " (" + reason + ")");
}

}  // namespace

Socket::~Socket() {
  if (descriptor_ >= 0) close(descriptor_);
}

Socket listen_at(const std::string& host, int port, Watchdog& watchdog) {
  const bool loopback = host == "localhost" || host == "127.0.0.1" || host == "::1";
  const Addresses addresses = resolve(loopback ? host.c_str() : nullptr, port, AI_PASSIVE, watchdog);
  std::string reason;
  // IPv6 first: such a socket takes IPv4 connections too.
  for (const int family : {AF_INET6, AF_INET}) {
    for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
      if (a->ai_family != family) continue;
      Socket socket = open_socket(*a);
      const int on = 1, off = 0;
      setsockopt(socket.descriptor(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
      if (family == AF_INET6 && !loopback)
        setsockopt(socket.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
      if (bind(socket.descriptor(), a->ai_addr, a->ai_addrlen) == 0 && listen(socket.descriptor(), 1024) == 0)
        return socket;
      reason = std::strerror(errno);
    }
  }
  watchdog.fail("cannot listen on MASTER_PORT " + std::to_string(port) + ": " + reason);
}

Socket accept_from(const Socket& listener, int wait_ms) {
  if (!wait_for(listener, POLLIN, wait_ms)) return {};
  Socket socket(accept4(listener.descriptor(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket) send_at_once(socket);
  return socket;
}

Socket connect_to(const std::string& host, int port, Watchdog& watchdog) {
  for (;;) {
    const Addresses addresses = resolve(host.c_str(), port, 0, watchdog);
    for (const addrinfo* a = addresses.get(); a != nullptr; a = a->ai_next) {
      Socket socket = open_socket(*a);
      if (!socket || !connect_once(socket, *a)) continue;
      send_at_once(socket);
      return socket;
    }
    if (watchdog.expired()) watchdog.fail_expired("rank 0 at " + host + ":" + std::to_string(port));
    std::this_thread::sleep_for(std::chrono::milliseconds(kPollMs));  // rank 0 may start later
  }
}

void move_all(Flow flow, std::vector<Transfer> transfers, Watchdog& watchdog) {
  std::vector<pollfd> entries;
  for (;;) {
    std::erase_if(transfers, [](const Transfer& t) { return t.bytes == 0; });
    if (transfers.empty()) return;
    entries.clear();
    for (const Transfer& t : transfers)
      entries.push_back({t.socket->descriptor(), short(flow == Flow::send ? POLLOUT : POLLIN), 0});
    poll(entries.data(), entries.size(), kPollMs);
    for (std::size_t i = 0; i < transfers.size(); ++i)
      if (entries[i].revents != 0) move_some(flow, transfers[i], watchdog);
    if (watchdog.expired()) watchdog.fail_expired(ranks_of(transfers));
  }
}

}  // namespace rlnas
