// What ranks that do not fit together are told.
#include "search/rank_agreement.h"

#include <doctest/doctest.h>

#include "tests/support/errors.h"
#include "tests/support/ranks.h"

namespace rlnas {

TEST_CASE("ranks on different kinds of device are refused, each with the reason for its own") {
  const auto outcomes = test::run_ranks(3, [](Communicator& communicator) {
    const bool last = communicator.rank() == 2;
    const DeviceChoice device{.kind = last ? DeviceKind::cpu : DeviceKind::cuda,
                              .backend = nullptr,
                              .reason = last ? "cpu, chosen by auto (no driver)" : "cuda:0, found by auto"};
    check_same_run({}, 7, device, communicator);
  });
  const std::string common =
      "--device auto: rank 2 runs on cpu, rank 0 on cuda; all ranks need the same kind of device ";
  for (int rank = 0; rank < 3; ++rank) {
    CAPTURE(rank);
    CHECK(outcomes[std::size_t(rank)].code == int(ErrorCode::device));
    CHECK(outcomes[std::size_t(rank)].error ==
          common + (rank == 2 ? "(rank 2: cpu, chosen by auto (no driver))"
                              : "(rank " + std::to_string(rank) + ": cuda:0, found by auto)"));
  }
}

TEST_CASE("ranks on the same kind of device, with the same settings and images, agree") {
  for (const auto& outcome : test::run_ranks(2, [](Communicator& communicator) {
         const DeviceChoice device{.kind = DeviceKind::cuda, .backend = nullptr, .reason = ""};
         check_same_run({}, 7, device, communicator);
       }))
    CHECK(outcome.error.empty());
}

}  // namespace rlnas
