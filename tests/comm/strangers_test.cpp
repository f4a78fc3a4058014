// Who is no rank of the run and connects all the same, before the ranks or between them: none of them joins,
// and the ranks meet.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <latch>

#include "engine/comm/meeting.h"
#include "tests/comm/contract.h"
#include "tests/support/errors.h"
#include "tests/support/ranks.h"
#include "tests/support/temporary_directory.h"

namespace rlnas {
namespace {

using namespace rlnas::test;

const std::string kToken = "the secret of this run";

template <class T>
std::string bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

Greeting greeting_of(int rank, int size) {
  return {.rank = rank, .size = size, .nonce = draw_nonce()};
}

Socket connected(int port, double timeout_s = 10.0) {
  SingleProcess place;
  Watchdog watchdog(place, timeout_s);
  return connect_to("127.0.0.1", port, watchdog);
}

void say(const Socket& socket, const std::string& text) {
  send(socket.descriptor(), text.data(), text.size(), MSG_NOSIGNAL);
}

// What rank 0 says within a second, before it hangs up.
std::string heard(const Socket& socket, std::size_t most) {
  std::string text;
  for (int tries = 0; tries < 100 && text.size() < most; ++tries) {
    char bytes[256];
    const ssize_t count = recv(socket.descriptor(), bytes, std::min(sizeof bytes, most - text.size()), 0);
    if (count == 0) break;
    if (count > 0) text.append(bytes, std::size_t(count));
    if (count < 0) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return text;
}

// Two ranks of the same token. `strangers` run when rank 0 listens; rank 1 starts behind them, if it is to
// wait.
enum class Rank1 { waits_for_strangers, comes_between };
std::vector<RankOutcome> meet_among(const std::function<void(int port)>& strangers, Rank1 rank1,
                                    const std::string& token = kToken) {
  const ReservedPort port;
  std::latch done(1);
  return run_threads(3, [&](int rank) {
    if (rank == 2) {
      const CountedDown at_the_end(&done);
      strangers(port.number());
      return;
    }
    if (rank == 1 && rank1 == Rank1::waits_for_strangers) done.wait();
    TcpSpec spec = tcp_spec(rank, 2, port.number());
    spec.token = token;
    TcpCommunicator communicator(spec);
    check_contract(communicator);
  });
}

void check_met(const std::vector<RankOutcome>& outcomes) {
  for (const int rank : {0, 1}) CHECK(outcomes[std::size_t(rank)].error == "");
}

}  // namespace

TEST_CASE("a stranger of another protocol, one that hangs up and one that is cut off") {
  for (const std::string& text : {std::string("GET / HTTP/1.1\r\nHost: rank0\r\n\r\n"), std::string(),
                                  std::string(10000, '\0'), bytes_of(greeting_of(1, 2)).substr(0, 9)})
    check_met(meet_among([&](int port) { say(connected(port), text); }, Rank1::waits_for_strangers));
}

TEST_CASE("silent strangers do not keep the ranks waiting, however many they are") {
  const auto start = std::chrono::steady_clock::now();
  std::vector<Socket> silent;
  check_met(meet_among(
      [&](int port) {
        for (int i = 0; i < 100; ++i) silent.push_back(connected(port));
        say(silent.back(), "x");
      },
      Rank1::waits_for_strangers));
  const double elapsed_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  CHECK(elapsed_s < 60.0);  // one after the other they would have had 500
}

TEST_CASE("a flood of strangers, more than there is room for, while the ranks meet") {
  std::vector<Socket> all;
  check_met(meet_among(
      [&](int port) {
        for (int i = 0; i < 700; ++i) {  // until the ranks have met, and nobody listens any more
          all.push_back(connected(port, 0.1));
          if (i % 3 == 0) say(all.back(), bytes_of(greeting_of(1, 2)));
          if (i % 7 == 0) all.pop_back();
        }
      },
      Rank1::comes_between));
}

TEST_CASE("greetings with ranks that cannot be are turned away, with a token and without") {
  for (const std::string& token : {kToken, std::string()})
    for (const auto& [rank, size] :
         {std::pair{0, 2}, {-1, 2}, {2, 2}, {1 << 30, 2}, {1, 1}, {-2147483647, -1}})
      check_met(meet_among(
          [&, rank = rank, size = size](int port) {
            const Socket socket = connected(port);
            say(socket, bytes_of(greeting_of(rank, size)));
            CHECK(heard(socket, 1) == "");
          },
          Rank1::waits_for_strangers, token));
}

TEST_CASE("a stranger with the right greeting and another token, or a made-up proof, does not take a rank") {
  for (const bool knows_another : {true, false})
    check_met(meet_among(
        [&](int port) {
          const Socket socket = connected(port);
          const Greeting greeting = greeting_of(1, 2);
          say(socket, bytes_of(greeting));
          const std::string text = heard(socket, sizeof(Answer));
          REQUIRE(text.size() == sizeof(Answer));
          Answer answer;
          std::memcpy(&answer, text.data(), sizeof answer);
          Proof proof = answer.proof;  // rank 0's own, handed back
          if (knows_another)
            proof = proof_of("another secret of a run", "rank 1 of 2", greeting.nonce, answer.greeting.nonce);
          say(socket, bytes_of(proof));
          CHECK(heard(socket, 1) == "");
        },
        Rank1::waits_for_strangers));
}

TEST_CASE("ranks of different tokens, or of one and none, do not meet, and the others say so") {
  for (const std::string& other : {std::string("some other secret"), std::string()}) {
    const ReservedPort port;
    const std::vector<RankOutcome> outcomes = run_threads(2, [&](int rank) {
      TcpSpec spec = tcp_spec(rank, 2, port.number(), 60.0, 2.0);
      spec.token = rank == 0 ? kToken : other;
      TcpCommunicator communicator(spec);
    });
    CHECK(outcomes[0].code == 5);
    CHECK(contains(outcomes[0].error, "waiting for 1 more rank(s)"));
    CHECK(outcomes[1].code == 5);
    CHECK(contains(outcomes[1].error, "was given another token (--comm-token-file)"));
  }
}

TEST_CASE("what listens in rank 0's place without the token is not joined, and learns no proof of it") {
  const ReservedPort port;
  std::atomic<int> heard_bytes = -1;
  const std::vector<RankOutcome> outcomes = run_threads(2, [&](int rank) {
    if (rank == 1) {
      TcpSpec spec = tcp_spec(1, 2, port.number());
      spec.token = kToken;
      TcpCommunicator communicator(spec);
      return;
    }
    SingleProcess place;
    Watchdog watchdog(place, 10);
    const Socket listener = listen_at("127.0.0.1", port.number(), watchdog);
    const Socket socket = accept_from(listener, 10000);
    REQUIRE(heard(socket, sizeof(Greeting)).size() == sizeof(Greeting));
    say(socket, bytes_of(Answer{greeting_of(0, 2), {}}));
    heard_bytes = int(heard(socket, 1000).size());
  });
  CHECK(outcomes[1].code == 5);
  CHECK(contains(outcomes[1].error, "is no rank 0 of this version, or was given another token"));
  CHECK(heard_bytes == 0);
}

TEST_CASE("a rank that rank 0 hangs up on comes again, and gives up in the end") {
  const ReservedPort port;
  const std::vector<RankOutcome> outcomes = run_threads(2, [&](int rank) {
    if (rank == 1) {
      TcpCommunicator communicator(tcp_spec(1, 2, port.number()));
      return;
    }
    SingleProcess place;
    Watchdog watchdog(place, 10);
    const Socket listener = listen_at("127.0.0.1", port.number(), watchdog);
    for (int i = 0; i < 5; ++i) CHECK(bool(accept_from(listener, 10000)));
  });
  CHECK(outcomes[1].code == 5);
  CHECK(contains(outcomes[1].error, "rank 0 hung up 5 times"));
}

TEST_CASE("a proof is of its token, role and both nonces") {
  const Nonce a = draw_nonce(), b = draw_nonce();
  CHECK(a != b);
  const Proof proof = proof_of(kToken, "rank 1 of 2", a, b);
  CHECK(same_proof(proof, proof_of(kToken, "rank 1 of 2", a, b)));
  for (const Proof& other :
       {proof_of(kToken + "x", "rank 1 of 2", a, b), proof_of(kToken, "rank 1 of 3", a, b),
        proof_of(kToken, "rank 1 of 2", b, a), proof_of(kToken, "rank 1 of 2", a, a)})
    CHECK_FALSE(same_proof(proof, other));
  // What `openssl passwd -5 -salt 'rounds=1000$abcdefghijklmnop' KEY` says, without what leads it.
  Nonce own, theirs;
  std::memcpy(own.data(), "ABCDEFGHIJKLMNOP", own.size());
  std::memcpy(theirs.data(), "abcdefghijklmnop", theirs.size());
  const Proof known = proof_of("0123456789abcdef", "rank 0", own, theirs);
  CHECK(std::string(known.data(), known.size()) == "nEJ/w.MmNrsP1T6zVjz4nyLscnSVygiQ0eGvSPIL/I/");
}

TEST_CASE("--comm-token-file: the first line of a file that is its owner's alone") {
  const TemporaryDirectory directory;
  const std::string file = directory / "token";
  const auto text_of = [&](const std::string& text, mode_t mode = 0600) -> std::string {
    write_text(file, text);
    chmod(file.c_str(), mode);
    try {
      return read_token(file);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::usage);
      CHECK(contains(error.what(), "--comm-token-file " + file + ": "));
      return error.what();
    }
  };
  CHECK(text_of("0123456789abcdef\nmore\n") == "0123456789abcdef");
  CHECK(text_of("0123456789abcdef", 0400) == "0123456789abcdef");
  for (const mode_t mode : {0640, 0604, 0620, 0602, 0601})
    CHECK(contains(text_of("0123456789abcdef\n", mode), "others can read or write it: chmod 600 it"));
  CHECK(contains(text_of("0123456789abcde\n"), "has to have 16 to 256 characters"));
  CHECK(contains(text_of(""), "has to have"));
  CHECK(contains(text_of(std::string(257, 'x')), "has to have"));
  CHECK(contains(text_of(std::string(20, '\0')), "has to have"));
  const auto error_of = [](const std::string& path) -> std::string {
    try {
      return read_token(path);
    } catch (const Error& error) {
      return error.what();
    }
  };
  CHECK(contains(error_of(directory / "none"), "cannot be read: No such file"));
  CHECK(contains(error_of(directory.path()), "is not a file"));
}

}  // namespace rlnas
