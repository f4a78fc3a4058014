// Ranks over TCP: what they compute, and how they end when one of them is missing, gone, silent or confused.
#include <doctest/doctest.h>

#include <chrono>
#include <latch>

#include "tests/comm/contract.h"
#include "tests/support/errors.h"
#include "tests/support/ranks.h"

namespace rlnas {
namespace {

using namespace rlnas::test;

double seconds_of(const std::function<void()>& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

TEST_CASE("sums in rank order, broadcasts and gathers over 2, 3 and 5 ranks") {
  for (const int size : {2, 3, 5})
    for (const RankOutcome& outcome : run_ranks(size, check_contract)) CHECK(outcome.error == "");
}

TEST_CASE("a rank that ends is noticed at once, by name, step and operation") {
  std::vector<RankOutcome> outcomes;
  const double elapsed_s = seconds_of([&] {
    outcomes = run_ranks(3, [](Communicator& communicator) {
      communicator.begin_step(17);
      if (communicator.rank() == 2) return;
      communicator.gather_values(1, "losses");
    });
  });
  CHECK(elapsed_s < 10.0);
  CHECK(outcomes[0].code == 5);
  CHECK(outcomes[0].error == "rank 0, step 17, losses: lost rank 2 (it has ended)");
  CHECK(outcomes[1].code == 5);
  CHECK(contains(outcomes[1].error, "rank 1, step 17, losses: lost rank 0"));
}

TEST_CASE("a rank that stays silent ends the others after the timeout") {
  std::vector<RankOutcome> outcomes;
  const double elapsed_s = seconds_of([&] {
    std::latch given_up(1);
    outcomes = run_ranks(
        2,
        [&](Communicator& communicator) {
          std::vector<float> values(10, 1.0f);
          if (communicator.rank() == 1) given_up.wait();
          const CountedDown at_the_end(communicator.rank() == 0 ? &given_up : nullptr);
          communicator.all_reduce_sum(values.data(), values.size(), "gradient all-reduce");
        },
        0.5);
  });
  CHECK(elapsed_s < 10.0);
  CHECK(outcomes[0].code == 5);
  CHECK(outcomes[0].error ==
        "rank 0, start, gradient all-reduce: no progress for 0.5 s, waiting for rank 1 (--comm-timeout)");
  CHECK(outcomes[1].code == 5);
}

TEST_CASE("a slow rank that keeps moving is waited for beyond the timeout") {
  const std::vector<RankOutcome> outcomes = run_ranks(
      2,
      [](Communicator& communicator) {
        for (int i = 0; i < 6; ++i) {
          if (communicator.rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(500));
          communicator.barrier("barrier");
        }
      },
      2.5);
  for (const RankOutcome& outcome : outcomes) CHECK(outcome.error == "");
}

TEST_CASE("ranks that are not at the same operation find out") {
  const std::vector<RankOutcome> outcomes = run_ranks(2, [](Communicator& communicator) {
    std::vector<float> values(2, 1.0f);
    if (communicator.rank() == 0)
      communicator.gather_values(1.0, "losses");
    else
      communicator.all_reduce_sum(values.data(), 2, "gradient all-reduce");
  });
  CHECK(outcomes[0].code == 5);
  CHECK(contains(outcomes[0].error, "rank 1 is at another operation"));
  CHECK(outcomes[1].code == 5);
}

TEST_CASE("a rank that never starts ends the others after the timeout") {
  const ReservedPort port;
  const std::vector<RankOutcome> alone =
      run_threads(1, [&](int) { TcpCommunicator communicator(tcp_spec(0, 3, port.number(), 60, 0.5)); });
  CHECK(alone[0].code == 5);
  CHECK(contains(alone[0].error, "waiting for 2 more rank(s)"));
  const std::vector<RankOutcome> no_root =
      run_threads(1, [&](int) { TcpCommunicator communicator(tcp_spec(1, 3, port.number(), 60, 0.5)); });
  CHECK(no_root[0].code == 5);
  CHECK(contains(no_root[0].error, "waiting for rank 0 at 127.0.0.1:" + std::to_string(port.number())));
}

TEST_CASE("different world sizes, and two processes of one rank, are told apart") {
  const ReservedPort port;
  const std::vector<RankOutcome> sizes = run_threads(
      2, [&](int rank) { TcpCommunicator communicator(tcp_spec(rank, rank == 0 ? 3 : 2, port.number())); });
  CHECK(contains(sizes[0].error, "rank 1 was started with WORLD_SIZE 2, rank 0 with 3"));
  CHECK(contains(sizes[1].error, "rank 0 was started with WORLD_SIZE 3, this one with 2"));

  const ReservedPort other_port;
  const std::vector<RankOutcome> twice = run_threads(3, [&](int rank) {
    TcpCommunicator communicator(tcp_spec(rank == 0 ? 0 : 1, 3, other_port.number()));
    communicator.barrier("barrier");
  });
  CHECK(contains(twice[0].error, "two processes were started with RANK 1"));
}

TEST_CASE("a test's port is nobody else's until rank 0 listens there") {
  const ReservedPort port;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(std::uint16_t(port.number()));
  const Socket stranger(socket(AF_INET, SOCK_STREAM, 0));
  CHECK(bind(stranger.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0);
  SingleProcess place;
  Watchdog watchdog(place, 10);
  CHECK(bool(listen_at("127.0.0.1", port.number(), watchdog)));
}

TEST_CASE("a port that is taken is named") {
  SingleProcess place;
  Watchdog watchdog(place, 10);
  const ReservedPort port;
  const Socket taken = listen_at("127.0.0.1", port.number(), watchdog);
  const std::vector<RankOutcome> outcome =
      run_threads(1, [&](int) { TcpCommunicator communicator(tcp_spec(0, 2, port.number())); });
  CHECK(outcome[0].code == 5);
  CHECK(contains(outcome[0].error, "cannot listen on MASTER_PORT " + std::to_string(port.number())));
}

}  // namespace rlnas
