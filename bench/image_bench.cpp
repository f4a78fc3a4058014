// Images a second of an image folder's pipeline: read, decode, crop, resize, augment; no training beside it.
// bench/compare_images.py takes turns with it. usage: rlnas_bench_images DIR [Google Benchmark's flags]
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <thread>

#include "bench/machine.h"
#include "data/image_loader.h"
#include "data/split.h"
#include "kernels/check.h"

namespace rlnas::bench {
namespace {

constexpr int kBatchSize = 64;

struct Pipeline {
  const char* name;
  ImageTransform transform;
};

void run(benchmark::State& state, const ImageList& list, const ImageTransform& transform) {
  const ImageLoader loader(
      list, all_indices(std::uint32_t(list.size())), list.labels(),
      {.plan = {.batch_size = kBatchSize}, .transform = transform, .threads = int(state.range(0))});
  HostBatch batch;
  std::int64_t images = 0;
  int epoch = 0, step = 0;
  for (auto _ : state) {
    loader.fill(epoch, step, batch);
    images += batch.count;
    if (++step == loader.steps_per_epoch()) {
      ++epoch;
      step = 0;
    }
  }
  state.SetItemsProcessed(images);
}

void register_all(const ImageList& list) {
  static const Pipeline kPipelines[] = {
      {"published", published_training_transform(224)},
      {"standard", standard_training_transform(224)},
      {"evaluation", evaluation_transform(224, kImagenetNormalisation)},
  };
  for (const Pipeline& pipeline : kPipelines) {
    for (const int threads : {1, 2}) {
      benchmark::RegisterBenchmark(pipeline.name,
                                   [&](benchmark::State& state) { run(state, list, pipeline.transform); })
          ->Arg(threads)
          ->ArgName("threads")
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    }
  }
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  using namespace rlnas::bench;
  return guarded_main(argc, argv, [](std::vector<char*>& arguments) {
    RLNAS_CHECK(arguments.size() > 1 && arguments[1][0] != '-', usage,
                "say which image folder to read: rlnas_bench_images DIR");
    const rlnas::ImageList list = rlnas::ImageList::scan(arguments[1]);
    arguments.erase(arguments.begin() + 1);
    return run_benchmarks(arguments, [&] { register_all(list); });
  });
}
