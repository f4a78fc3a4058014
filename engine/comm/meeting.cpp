#include "engine/comm/meeting.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <optional>
#include <thread>

#include "kernels/check.h"

namespace rlnas {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(5);  // for a connection to show who it is
// At the door at a time; where more come, the one that has waited longest has to go. A rank speaks at once.
constexpr std::size_t kMostGuests = 256;
constexpr int kMostTries = 5;  // of a rank that was sent away among too many
constexpr double kReturnTimeoutS = 5.0;

constexpr std::string_view kRootRole = "rank 0";

std::string role_of(const Greeting& greeting) {
  return "rank " + std::to_string(greeting.rank) + " of " + std::to_string(greeting.size);
}

template <class T>
T value_of(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

template <class T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class T>
char* place_of(T& value) {
  return reinterpret_cast<char*>(&value);
}

bool has_letters(const Nonce& nonce) {  // what it would make of the hash otherwise is the sender's to choose
  return std::ranges::all_of(nonce, [](char c) {
    return (c >= '.' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

struct Waiting {
  Socket socket;
  Guest guest;
  Clock::time_point since = Clock::now();
};

// Nothing while it waits; else whether it knows the token. What cannot be sent at once is not sent: a guest
// that takes no 80 bytes is none of ours.
std::optional<bool> listen_to(Waiting& waiting) {
  char bytes[256];
  const ssize_t count = recv(waiting.socket.descriptor(), bytes, sizeof bytes, 0);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return std::nullopt;
  if (count <= 0) return false;
  std::string reply;
  const Guest::Verdict verdict = waiting.guest.take({bytes, std::size_t(count)}, reply);
  if (verdict == Guest::Verdict::stranger) return false;
  if (!reply.empty() &&
      send(waiting.socket.descriptor(), reply.data(), reply.size(), MSG_NOSIGNAL) != ssize_t(reply.size()))
    return false;
  return verdict == Guest::Verdict::knows_token ? std::optional(true) : std::nullopt;
}

// Who has shown that it is one of the run.
void seat(Waiting&& one, int size, std::vector<Socket>& peers, Watchdog& watchdog) {
  const int rank = one.guest.rank();
  if (one.guest.size() != size)
    watchdog.fail("rank " + std::to_string(rank) + " was started with WORLD_SIZE " +
                  std::to_string(one.guest.size()) + ", rank 0 with " + std::to_string(size));
  Socket& seat = peers[std::size_t(rank) - 1];
  if (seat) watchdog.fail("two processes were started with RANK " + std::to_string(rank));
  seat = std::move(one.socket);
  watchdog.progress();
}

// Null where rank 0 hung up before it said anything that tells it from a stranger.
std::optional<Socket> try_to_join(Socket socket, const RankPlace& place, const std::string& token,
                                  Watchdog& watchdog) {
  Greeting greeting{.rank = place.rank, .size = place.size, .nonce = draw_nonce()};
  Answer answer;
  Proof proof;
  std::uint32_t welcome = 0;
  const auto move = [&](Flow flow, auto& value) {
    try {
      move_all(flow, {{&socket, place_of(value), sizeof value, 0}}, watchdog);
      return true;
    } catch (const Error&) {
      if (watchdog.expired()) throw;
      return false;
    }
  };
  if (!move(Flow::send, greeting) || !move(Flow::receive, answer)) return std::nullopt;
  if (answer.greeting.magic != kTcpMagic || !has_letters(answer.greeting.nonce) ||
      !same_proof(answer.proof, proof_of(token, kRootRole, answer.greeting.nonce, greeting.nonce)))
    watchdog.fail(
        "what listens at MASTER_PORT is no rank 0 of this version, or was given another token "
        "(--comm-token-file)");
  proof = proof_of(token, role_of(greeting), greeting.nonce, answer.greeting.nonce);
  const bool sent = move(Flow::send, proof);
  if (answer.greeting.size != place.size)
    watchdog.fail("rank 0 was started with WORLD_SIZE " + std::to_string(answer.greeting.size) +
                  ", this one with " + std::to_string(place.size));
  if (!sent || !move(Flow::receive, welcome)) return std::nullopt;
  return socket;
}

}  // namespace

Guest::Verdict Guest::take(std::string_view bytes, std::string& reply) {
  received_.append(bytes);
  if (!greeted_ && received_.size() >= sizeof(Greeting)) {
    greeting_ = value_of<Greeting>(received_);
    received_.erase(0, sizeof(Greeting));
    const bool possible = greeting_.magic == kTcpMagic && greeting_.rank >= 1 &&
                          greeting_.rank < greeting_.size && has_letters(greeting_.nonce);
    if (!possible) return Verdict::stranger;
    greeted_ = true;
    own_ = {.rank = 0, .size = place_.size, .nonce = draw_nonce()};
    reply = bytes_of(Answer{own_, proof_of(token_, kRootRole, own_.nonce, greeting_.nonce)});
  }
  if (received_.size() > sizeof(Proof)) return Verdict::stranger;  // it speaks out of turn
  if (!greeted_ || received_.size() < sizeof(Proof)) return Verdict::waits;
  const Proof expected = proof_of(token_, role_of(greeting_), greeting_.nonce, own_.nonce);
  if (!same_proof(value_of<Proof>(received_), expected)) return Verdict::stranger;
  reply = bytes_of(kTcpMagic);
  return Verdict::knows_token;
}

std::vector<Socket> accept_ranks(const RankPlace& place, const MeetingPlace& where, const std::string& token,
                                 Watchdog& watchdog) {
  const Socket listener = listen_at(where.host, where.port, watchdog);
  std::vector<Socket> peers(std::size_t(place.size) - 1);
  std::deque<Waiting> door;  // the longest waiting first
  std::vector<pollfd> entries;
  const auto missing = [&] { return std::ranges::count_if(peers, [](const Socket& s) { return !s; }); };
  while (missing() > 0) {
    if (watchdog.expired()) watchdog.fail_expired(std::to_string(missing()) + " more rank(s)");
    entries.assign(1, {listener.descriptor(), POLLIN, 0});
    for (const Waiting& one : door) entries.push_back({one.socket.descriptor(), POLLIN, 0});
    poll(entries.data(), entries.size(), 100);
    std::deque<Waiting> still;
    for (std::size_t i = 0; i < door.size(); ++i) {
      const std::optional<bool> known =
          entries[i + 1].revents != 0 ? listen_to(door[i]) : std::optional<bool>();
      if (known.value_or(false))
        seat(std::move(door[i]), place.size, peers, watchdog);
      else if (!known && Clock::now() - door[i].since < kPatience)
        still.push_back(std::move(door[i]));
    }
    door = std::move(still);
    for (int arrived = 0; entries[0].revents != 0 && arrived < 16; ++arrived) {
      Socket socket = accept_from(listener, 0);
      if (!socket) break;
      if (door.size() == kMostGuests) door.pop_front();
      door.push_back({std::move(socket), Guest(place, token)});
    }
  }
  return peers;
}

Socket join_root(const RankPlace& place, const MeetingPlace& where, const std::string& token,
                 Watchdog& watchdog) {
  Socket socket = connect_to(where.host, where.port, watchdog);
  for (int tries = 1;; ++tries) {
    if (std::optional<Socket> joined = try_to_join(std::move(socket), place, token, watchdog))
      return std::move(*joined);
    if (tries == kMostTries) watchdog.fail("rank 0 hung up " + std::to_string(tries) + " times");
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    // It was there: where nobody listens any more it has ended.
    Watchdog patience = watchdog.shorter(kReturnTimeoutS);
    socket = connect_to(where.host, where.port, patience);
  }
}

}  // namespace rlnas
