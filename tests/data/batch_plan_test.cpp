// Which images make which batch: shares of ranks, orders, and plans that cannot be.
#include "data/batch_plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "tests/data/temp_dir.h"

namespace rlnas {
namespace {

using namespace rlnas::test;

BatchPlan plan_of(std::size_t images, const BatchPlanOptions& options) {
  std::vector<std::uint32_t> all(images);
  std::iota(all.begin(), all.end(), 0u);
  return {std::move(all), options, "a set", images};
}

std::vector<std::uint32_t> images_of(const BatchPlan::Share& share) {
  std::vector<std::uint32_t> images;
  for (std::size_t i = 0; i < share.count; ++i) images.push_back(share.index(i));
  return images;
}

}  // namespace

TEST_CASE("the shares of ranks make each batch of one process, in order, as equal as can be") {
  for (const int ranks : {2, 3, 4}) {
    const BatchPlan whole = plan_of(25, {.batch_size = 7, .seed = 3});
    REQUIRE(whole.steps_per_epoch() == 4);
    for (const int epoch : {0, 1, 5, 1})
      for (int step = 0; step < 4; ++step) {
        const BatchPlan::Share batch = whole.share(epoch, step);
        CHECK(batch.global_count == (step < 3 ? 7u : 4u));
        CHECK(batch.count == batch.global_count);
        std::vector<std::uint32_t> together;
        for (int rank = 0; rank < ranks; ++rank) {
          const BatchPlan::Share own =
              plan_of(25, {.batch_size = 7, .seed = 3, .rank = rank, .ranks = ranks}).share(epoch, step);
          CHECK(own.global_count == batch.global_count);
          CHECK(own.count >= batch.count / std::size_t(ranks));
          CHECK(own.count <= batch.count / std::size_t(ranks) + 1);
          const std::vector<std::uint32_t> images = images_of(own);
          together.insert(together.end(), images.begin(), images.end());
        }
        CHECK(together == images_of(batch));
      }
  }
}

TEST_CASE("an order is drawn anew for every epoch, once, or not at all") {
  const auto order = [](SampleOrder kind, int epoch) {
    return images_of(plan_of(20, {.batch_size = 20, .order = kind}).share(epoch, 0));
  };
  const std::vector<std::uint32_t> first = order(SampleOrder::shuffled, 0);
  CHECK(order(SampleOrder::shuffled, 1) != first);
  CHECK(order(SampleOrder::shuffled_once, 0) == first);
  CHECK(order(SampleOrder::shuffled_once, 1) == first);
  for (const int epoch : {0, 3}) {
    const std::vector<std::uint32_t> as_they_lie = order(SampleOrder::sequential, epoch);
    CHECK(std::ranges::is_sorted(as_they_lie));
    CHECK(as_they_lie.size() == 20);
  }
}

TEST_CASE("plans: the last batch has to have an image for each rank, and steps are those of an epoch") {
  const auto error = [](std::size_t images, int ranks) {
    return error_of([&] { plan_of(images, {.batch_size = 4, .ranks = ranks}); });
  };
  CHECK(is_error(error(9, 2), ErrorCode::usage, {"--batch-size 4", "has 1 image", "for 2 ranks"}));
  CHECK(error(10, 2) == "no error");
  CHECK(is_error(error(7, 4), ErrorCode::usage, {"has 3 image", "for 4 ranks"}));
  CHECK(error(8, 4) == "no error");
  CHECK(error(1, 1) == "no error");
  const BatchPlan plan = plan_of(9, {.batch_size = 4});
  CHECK(plan.steps_per_epoch() == 3);
  CHECK(plan.share(0, 2).count == 1);
  CHECK(plan_of(4, {.batch_size = 1}).steps_per_epoch() == 4);
  for (const auto& [epoch, step] : {std::pair{0, 3}, {0, -1}, {-1, 0}})
    CHECK(is_error(error_of([&] { plan.share(epoch, step); }), ErrorCode::run_failed, {"no batch"}));
}

}  // namespace rlnas
