#include "data/batch_loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "data/prefetcher.h"
#include "data/split.h"
#include "data/synthetic.h"
#include "tests/data/temp_dir.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

const Dataset& small_set() {
  static const Dataset set = make_synthetic({.count = 150, .size = 16, .seed = 0, .threads = 1});
  return set;
}

BatchLoader make_loader(const BatchLoaderOptions& options) {
  return {small_set(), all_indices(150), small_set().labels, options};
}

HostBatch batch_of(const BatchLoader& loader, int epoch, int step) {
  HostBatch batch;
  loader.fill(epoch, step, batch);
  return batch;
}

bool same(const AugmentParams& a, const AugmentParams& b) {
  return a.flip == b.flip && a.shift_x == b.shift_x && a.shift_y == b.shift_y;
}

bool same(const HostBatch& a, const HostBatch& b) {
  return a.epoch == b.epoch && a.step == b.step && a.count == b.count && a.images == b.images &&
         a.labels == b.labels && a.indices == b.indices &&
         std::equal(a.params.begin(), a.params.end(), b.params.begin(), b.params.end(),
                    [](const AugmentParams& x, const AugmentParams& y) { return same(x, y); });
}

}  // namespace

TEST_CASE("an epoch is a permutation of the indices, with a partial last batch") {
  std::vector<std::uint32_t> odd;
  std::vector<std::int32_t> labels(150);
  for (std::uint32_t i = 0; i < 150; ++i) {
    labels[i] = std::int32_t(1000 + i);  // one for every image of the set, trained on or not
    if (i % 2 == 1) odd.push_back(i);
  }
  const BatchLoader loader(small_set(), odd, labels, {.plan = {.batch_size = 32, .seed = 7}});
  REQUIRE(loader.steps_per_epoch() == 3);
  std::vector<std::uint32_t> last_order;
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::uint32_t> order;
    for (int step = 0; step < 3; ++step) {
      const HostBatch batch = batch_of(loader, epoch, step);
      CHECK(batch.count == (step < 2 ? 32 : 11));
      CHECK(batch.indices.size() == std::size_t(batch.count));
      for (std::size_t i = 0; i < batch.indices.size(); ++i) {
        const std::uint32_t index = batch.indices[i];
        CHECK(batch.labels[i] == std::int32_t(1000 + index));
        CHECK(std::equal(small_set().image(index), small_set().image(index) + 768,
                         batch.images.begin() + std::ptrdiff_t(i * 768)));
        order.push_back(index);
      }
    }
    CHECK(order != odd);
    CHECK(order != last_order);
    last_order = order;
    std::sort(order.begin(), order.end());
    CHECK(order == odd);
  }
}

TEST_CASE("a batch depends on seed, epoch and step alone") {
  const BatchLoader a = make_loader({.plan = {.batch_size = 64, .seed = 1}}),
                    b = make_loader({.plan = {.batch_size = 64, .seed = 1}});
  const HostBatch first = batch_of(a, 4, 1);
  batch_of(b, 9, 0);  // what was asked for before does not matter
  HostBatch again = batch_of(b, 0, 2);
  b.fill(4, 1, again);  // and a used buffer is as good as a new one
  CHECK(same(first, again));
  CHECK_FALSE(same(first, batch_of(make_loader({.plan = {.batch_size = 64, .seed = 2}}), 4, 1)));
}

TEST_CASE("an image's augmentation depends neither on its batch nor on the other images") {
  const BatchLoader all = make_loader({.plan = {.batch_size = 150, .seed = 3}});
  const BatchLoader one(small_set(), {17}, small_set().labels, {.plan = {.batch_size = 1, .seed = 3}});
  const HostBatch batch = batch_of(all, 2, 0);
  const auto place = std::find(batch.indices.begin(), batch.indices.end(), 17u) - batch.indices.begin();
  CHECK(same(batch.params[std::size_t(place)], batch_of(one, 2, 0).params[0]));
}

TEST_CASE("augmentation: fair flips, uniform and independent shifts") {
  const BatchLoader loader = make_loader({.plan = {.batch_size = 150, .seed = 0}});
  REQUIRE(small_set().crop_padding == 2);
  int flips = 0, total = 0;
  std::vector<int> cells(25 * 2);
  for (int epoch = 0; epoch < 200; ++epoch) {
    for (const AugmentParams& params : batch_of(loader, epoch, 0).params) {
      REQUIRE(std::max(std::abs(params.shift_y), std::abs(params.shift_x)) <= 2);
      flips += params.flip;
      ++cells[std::size_t(((params.shift_y + 2) * 5 + params.shift_x + 2) * 2 + params.flip)];
      ++total;
    }
  }
  CHECK(total == 30000);
  CHECK(std::abs(flips - 15000) < 350);  // 4 standard deviations
  double chi_sq = 0.0;
  for (const int count : cells) chi_sq += (count - 600.0) * (count - 600.0) / 600.0;
  CHECK(chi_sq < 94);  // 49 degrees of freedom: one seed in 10,000 is above
}

TEST_CASE("without augmentation and shuffling") {
  const BatchLoader loader = make_loader(
      {.plan = {.batch_size = 100, .order = SampleOrder::sequential}, .augmentation = Augmentation::none});
  const HostBatch batch = batch_of(loader, 5, 1);
  REQUIRE(batch.count == 50);
  for (std::size_t i = 0; i < 50; ++i) {
    CHECK(batch.indices[i] == 100 + i);
    CHECK(same(batch.params[i], AugmentParams{}));
  }
}

TEST_CASE("loader: bad arguments") {
  const auto error = [](std::vector<std::uint32_t> indices, std::size_t labels, int batch_size) {
    return error_of([&] {
      BatchLoader(small_set(), std::move(indices), std::vector<std::int32_t>(labels),
                  {.plan = {.batch_size = batch_size}});
    });
  };
  CHECK(is_error(error({0}, 150, 0), ErrorCode::usage, {"--batch-size 0"}));
  CHECK(is_error(error({0}, 149, 8), ErrorCode::data, {"149 labels", "150 images"}));
  CHECK(is_error(error({150}, 150, 8), ErrorCode::data, {"image 150"}));
  CHECK(is_error(error({}, 150, 8), ErrorCode::data, {"no image"}));
  const BatchLoader loader = make_loader({.plan = {.batch_size = 64}});
  CHECK(is_error(error_of([&] { batch_of(loader, 0, 3); }), ErrorCode::run_failed, {"step 3", "3 steps"}));
  CHECK(is_error(error_of([&] { batch_of(loader, -1, 0); }), ErrorCode::run_failed, {"epoch -1"}));
}

TEST_CASE("the prefetcher gives what fill gives") {
  const BatchLoader loader = make_loader({.plan = {.batch_size = 64, .seed = 11}});
  Prefetcher prefetcher(loader, 0, 0);
  for (int epoch = 0; epoch < 40; ++epoch) {
    for (int step = 0; step < 3; ++step) CHECK(same(prefetcher.next(), batch_of(loader, epoch, step)));
  }
}

TEST_CASE("a prefetcher started in the middle goes on as if it had never stopped") {
  const BatchLoader loader = make_loader({.plan = {.batch_size = 64, .seed = 11}});
  std::vector<HostBatch> straight;
  {
    Prefetcher prefetcher(loader, 0, 0);
    for (int i = 0; i < 12; ++i) straight.push_back(prefetcher.next());
  }
  for (int start = 0; start < 12; ++start) {
    const BatchLoader fresh = make_loader({.plan = {.batch_size = 64, .seed = 11}});
    Prefetcher resumed(fresh, start / 3, start % 3);
    for (int i = start; i < 12; ++i) CHECK(same(resumed.next(), straight[std::size_t(i)]));
  }
  Prefetcher at_the_end(loader, 1, 3);  // step 3 of 3: the next epoch
  CHECK(same(at_the_end.next(), straight[6]));
}

TEST_CASE("the prefetcher never touches the batch in use") {
  const BatchLoader loader = make_loader({.plan = {.batch_size = 64, .seed = 11}});
  Prefetcher prefetcher(loader, 0, 0);
  for (int i = 0; i < 6; ++i) {
    const HostBatch& batch = prefetcher.next();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // time enough for the worker to run ahead
    CHECK(same(batch, batch_of(loader, i / 3, i % 3)));
  }
}

TEST_CASE("the prefetcher hands errors over and stops cleanly") {
  const BatchLoader loader = make_loader({.plan = {.batch_size = 64}});
  Prefetcher bad(loader, 0, 17);
  for (int i = 0; i < 2; ++i) {
    CHECK(is_error(error_of([&] { bad.next(); }), ErrorCode::run_failed, {"step 17"}));
  }
  for (int i = 0; i < 50; ++i) {
    Prefetcher unused(loader, 0, 0);  // destroyed while the worker is busy or waits
    if (i % 2 == 0) unused.next();
  }
}
