#include "data/image_loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "data/prefetcher.h"
#include "data/split.h"
#include "tests/data/image_writer.h"

using namespace rlnas;
using namespace rlnas::test;

namespace {

constexpr int kImages = 23;

// Two classes; every image a texture of its own, sizes differ.
void write_images(const TempDir& dir) {
  for (int i = 0; i < kImages; ++i) {
    const Painter paint = [i](int y, int x) {
      return std::uint32_t(y * 3 + i * 9) << 16 | std::uint32_t(x * 2);
    };
    const std::string name = (i < 10 ? "a/" : "b/") + std::to_string(100 + i);
    if (i % 3 == 0)
      dir.write(name + ".png", make_png(40 + i, 60 - i, PngColor::rgb, paint));
    else
      dir.write(name + ".jpg", make_jpeg(30 + 2 * i, 50 + i, JpegColor::rgb, paint));
  }
}

ImageLoaderOptions small_options() {
  return {.plan = {.batch_size = 5, .seed = 3}, .transform = published_training_transform(16), .threads = 1};
}

ImageLoader make_loader(const ImageList& list, const ImageLoaderOptions& options) {
  return {list, all_indices(std::uint32_t(list.size())), list.labels(), options};
}

HostBatch batch_of(const BatchSource& source, int epoch, int step) {
  HostBatch batch;
  source.fill(epoch, step, batch);
  return batch;
}

bool same(const HostBatch& a, const HostBatch& b) {
  const auto same_params = [](const AugmentParams& x, const AugmentParams& y) {
    return x.flip == y.flip && x.shift_x == y.shift_x && x.shift_y == y.shift_y;
  };
  return a.epoch == b.epoch && a.step == b.step && a.count == b.count && a.images == b.images &&
         a.labels == b.labels && a.indices == b.indices &&
         std::equal(a.params.begin(), a.params.end(), b.params.begin(), b.params.end(), same_params);
}

// The pixels made of image `index` in an epoch.
std::optional<Bytes> pixels_of(const BatchSource& source, int epoch, std::uint32_t index) {
  for (int step = 0; step < source.steps_per_epoch(); ++step) {
    const HostBatch batch = batch_of(source, epoch, step);
    const std::size_t bytes = batch.images.size() / std::size_t(batch.count);
    for (std::size_t i = 0; i < batch.indices.size(); ++i) {
      const auto begin = batch.images.begin() + std::ptrdiff_t(i * bytes);
      if (batch.indices[i] == index) return Bytes(begin, begin + std::ptrdiff_t(bytes));
    }
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("an epoch of files is a permutation, with labels and a partial last batch") {
  const TempDir dir;
  write_images(dir);
  const ImageList list = ImageList::scan(dir.path());
  const ImageLoader loader = make_loader(list, small_options());
  REQUIRE(loader.steps_per_epoch() == 5);
  CHECK(loader.format().height == 16);
  CHECK(loader.format().normalisation.std[1] == 255.0f);
  std::vector<std::uint32_t> first, second;
  for (const int epoch : {0, 1}) {
    for (int step = 0; step < 5; ++step) {
      const HostBatch batch = batch_of(loader, epoch, step);
      CHECK(batch.count == (step == 4 ? 3 : 5));
      CHECK(batch.images.size() == std::size_t(batch.count) * 16 * 16 * 3);
      for (std::size_t i = 0; i < batch.indices.size(); ++i) {
        CHECK(batch.labels[i] == list.label(batch.indices[i]));
        (epoch == 0 ? first : second).push_back(batch.indices[i]);
      }
    }
  }
  CHECK(first != second);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  CHECK(first == all_indices(kImages));
  CHECK(second == all_indices(kImages));
  CHECK(loader.bad_files().empty());
}

TEST_CASE(
    "batches of files are the same for any number of threads, in any order, and through the prefetcher") {
  const TempDir dir;
  write_images(dir);
  const ImageList list = ImageList::scan(dir.path());
  for (const ImageTransform& transform : {published_training_transform(16), standard_training_transform(24),
                                          evaluation_transform(16, kUnitRange)}) {
    ImageLoaderOptions options = small_options();
    options.transform = transform;
    const ImageLoader one = make_loader(list, options);
    options.threads = 3;
    const ImageLoader three = make_loader(list, options);
    for (int step = 4; step >= 0; --step) CHECK(same(batch_of(one, 1, step), batch_of(three, 1, step)));
    Prefetcher prefetcher(three, 0, 3);
    for (const auto& [epoch, step] : {std::pair{0, 3}, {0, 4}, {1, 0}, {1, 1}})
      CHECK(same(prefetcher.next(), batch_of(one, epoch, step)));
  }
}

TEST_CASE("an image's pixels depend on seed, epoch and image, not on its batch") {
  const TempDir dir;
  write_images(dir);
  const ImageList list = ImageList::scan(dir.path());
  ImageLoaderOptions options = small_options();
  const ImageLoader loader = make_loader(list, options);
  options.plan.batch_size = 7;
  options.plan.order = SampleOrder::sequential;
  const ImageLoader other = make_loader(list, options);
  CHECK(pixels_of(loader, 2, 11) == pixels_of(other, 2, 11));
  CHECK(pixels_of(loader, 2, 11) != pixels_of(loader, 3, 11));
  options.plan.seed = 4;
  CHECK(pixels_of(other, 2, 11) != pixels_of(make_loader(list, options), 2, 11));
}

TEST_CASE("ranks share a batch of files between them") {
  const TempDir dir;
  write_images(dir);
  const ImageList list = ImageList::scan(dir.path());
  ImageLoaderOptions options = small_options();
  const HostBatch whole = batch_of(make_loader(list, options), 0, 2);
  HostBatch joined;
  options.plan.ranks = 2;
  for (options.plan.rank = 0; options.plan.rank < 2; ++options.plan.rank) {
    const HostBatch share = batch_of(make_loader(list, options), 0, 2);
    CHECK(share.global_count == 5);
    joined.images.insert(joined.images.end(), share.images.begin(), share.images.end());
    joined.indices.insert(joined.indices.end(), share.indices.begin(), share.indices.end());
  }
  CHECK(joined.images == whole.images);
  CHECK(joined.indices == whole.indices);
}

TEST_CASE("one order for all epochs, as the published ImageNet runs have it") {
  const TempDir dir;
  write_images(dir);
  const ImageList list = ImageList::scan(dir.path());
  ImageLoaderOptions options = small_options();
  options.plan.order = SampleOrder::shuffled_once;
  const ImageLoader loader = make_loader(list, options);
  const HostBatch first = batch_of(loader, 0, 1), second = batch_of(loader, 6, 1);
  CHECK(first.indices == second.indices);
  CHECK(first.images != second.images);
  CHECK(first.indices != std::vector<std::uint32_t>{5, 6, 7, 8, 9});
}

TEST_CASE("a bad file is named and replaced by another image, the same one for any history") {
  const TempDir dir;
  write_images(dir);
  dir.write("a/101.jpg", {});
  dir.write("b/120.jpg", {'x', 'y'});
  const ImageList list = ImageList::scan(dir.path());
  ImageLoaderOptions options = small_options();
  const ImageLoader loader = make_loader(list, options);
  options.threads = 4;
  const ImageLoader late = make_loader(list, options);
  std::multiset<std::uint32_t> seen;
  for (int step = 0; step < 5; ++step) {
    const HostBatch batch = batch_of(loader, 0, step);
    seen.insert(batch.indices.begin(), batch.indices.end());
    for (std::size_t i = 0; i < batch.indices.size(); ++i)
      CHECK(batch.labels[i] == list.label(batch.indices[i]));
    CHECK(same(batch, batch_of(late, 0, step)));
  }
  CHECK(seen.size() == kImages);
  CHECK(seen.count(1) == 0);
  CHECK(seen.count(20) == 0);
  const std::vector<std::string> bad = loader.bad_files();
  REQUIRE(bad.size() == 2);
  CHECK(bad[0] == dir.path() + "/a/101.jpg: empty file");
  CHECK(contains(bad[1], "/b/120.jpg: neither a JPEG nor a PNG"));

  // A loader that has seen nothing of the run makes the same batches as one that knows all bad files.
  for (int step = 0; step < 5; ++step)
    CHECK(same(batch_of(make_loader(list, options), 0, step), batch_of(loader, 0, step)));
}

TEST_CASE("bad files end the run when told so, and when there is nothing else") {
  const TempDir dir;
  write_images(dir);
  const std::string gone = dir.write("a/107.jpg", {'x'});
  const ImageList list = ImageList::scan(dir.path());
  ImageLoaderOptions options = small_options();
  options.plan.batch_size = kImages;
  options.bad_files = BadFiles::fatal;
  CHECK(is_error(error_of([&] { batch_of(make_loader(list, options), 0, 0); }), ErrorCode::data,
                 {gone, "--strict-data"}));
  std::filesystem::remove(gone);
  CHECK(is_error(error_of([&] { batch_of(make_loader(list, options), 0, 0); }), ErrorCode::data,
                 {gone, "cannot be opened"}));
  const TempDir bad;
  for (const char* name : {"a/1.png", "b/1.png"}) bad.write(name, {'x'});
  const ImageList nothing = ImageList::scan(bad.path());
  options.bad_files = BadFiles::skip;
  CHECK(is_error(error_of([&] { batch_of(make_loader(nothing, options), 0, 0); }), ErrorCode::data,
                 {bad.path(), "--check-data"}));
}

TEST_CASE("an image loader refuses what does not fit") {
  const TempDir dir;
  write_images(dir);
  const ImageList list = ImageList::scan(dir.path());
  ImageLoaderOptions options = small_options();
  CHECK(is_error(error_of([&] {
                   ImageLoader(list, all_indices(kImages), {1, 2}, options);
                 }),
                 ErrorCode::data, {"2 labels for the 23 images"}));
  CHECK(is_error(error_of([&] { ImageLoader(list, {99}, list.labels(), options); }), ErrorCode::data,
                 {"image 99"}));
  const ImageLoader loader = make_loader(list, options);
  CHECK(is_error(error_of([&] { batch_of(loader, 0, 5); }), ErrorCode::run_failed, {"step 5"}));
  options.transform.size = 4;
  CHECK(is_error(error_of([&] { make_loader(list, options); }), ErrorCode::usage, {"--image-size 4"}));
}
