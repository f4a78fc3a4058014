// What comes after the sums on NAS-Bench-201: the table, the scores of all 15,625 cells, every search method,
// on one thread of this machine; the device makes the sums alone, and they are not timed. The weights are
// random with every operation turned by another amount: the work is the same for any weights.
// baselines/angle_concat.py times the published way to the same angles.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "bench/device.h"
#include "bench/machine.h"
#include "engine/device_bytes.h"
#include "engine/philox.h"
#include "search/exhaustive.h"
#include "search/nasbench201/angle_table.h"
#include "search/nasbench201/space.h"
#include "search/nasbench201/supernet.h"
#include "search/search_run.h"

namespace rlnas::bench {
namespace {

using namespace rlnas::nasbench201;

struct Weights {
  SegmentTable segments = supernet_segments(10);
  std::vector<AngleSums> sums;

  Weights() {
    RandomStream random(0, "search bench");
    const std::size_t count = std::size_t(segments.buffer_count());
    std::vector<float> before(count), after(count);
    for (const Segment& segment : segments) {
      const float turned = 0.05f + 0.05f * float((segment.edge + 1) % 3 + (segment.op + 1) % 4);
      for (std::int64_t i = segment.offset; i < segment.offset + segment.count; ++i) {
        before[std::size_t(i)] = random.uniform() - 0.5f;
        after[std::size_t(i)] = before[std::size_t(i)] + turned * (random.uniform() - 0.5f);
      }
    }
    const auto backend = make_backend({.threads = 1});
    const std::vector<SegmentBlock> host_blocks = segments.blocks();
    const std::size_t scratch_bytes = backend->angle_sums_workspace_bytes(int(host_blocks.size()));
    sums.resize(std::size_t(segments.size()));
    const DeviceBytes w0(*backend, before.data(), count * sizeof(float)),
        w1(*backend, after.data(), count * sizeof(float)),
        blocks(*backend, host_blocks.data(), host_blocks.size() * sizeof(SegmentBlock)),
        device_sums(*backend, sums.size() * sizeof(AngleSums)), scratch(*backend, scratch_bytes);
    backend->angle_sums(blocks.as<SegmentBlock>(), int(host_blocks.size()), segments.size(), w0.as<float>(),
                        w1.as<float>(), device_sums.as<AngleSums>(), {scratch.as<void>(), scratch_bytes});
    backend->download(sums.data(), device_sums.as<void>(), sums.size() * sizeof(AngleSums));
  }
};

const Weights& weights() {
  static const Weights made;
  return made;
}

const AngleTable& table() {
  static const AngleTable made = make_angle_table(weights().segments, weights().sums);
  return made;
}

void bench_table(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(make_angle_table(weights().segments, weights().sums));
}

// From enumeration indices, as a program has them.
void bench_scores(benchmark::State& state, ScoreKind kind) {
  std::vector<double> scores(kSpaceSize);
  for (auto _ : state) {
    for (int i = 0; i < kSpaceSize; ++i) scores[std::size_t(i)] = score(table(), cell_at(i), kind);
    benchmark::DoNotOptimize(scores.data());
  }
  state.SetItemsProcessed(state.iterations() * kSpaceSize);
}

void bench_exhaustive(benchmark::State& state, ScoreKind kind) {
  const CellSpace space(table(), {.score = kind});
  for (auto _ : state) benchmark::DoNotOptimize(exhaustive_search(space));
}

void bench_evolution(benchmark::State& state, ScoreKind kind, Compat compat) {
  const CellSpace space(table(), {.score = kind});
  EvolutionOptions options;
  options.compat = compat;
  for (auto _ : state) benchmark::DoNotOptimize(evolve(space, options));
}

// From the table to the report, all that rlnas_search does between reading and printing.
void bench_report(benchmark::State& state, SearchMethod method) {
  SearchConfig config;
  config.method = method;
  for (auto _ : state) benchmark::DoNotOptimize(run_search(config, weights().sums));
}

void register_all() {
  const auto add = [](const std::string& name, auto function) {
    benchmark::RegisterBenchmark(name.c_str(), function)->Unit(benchmark::kMicrosecond);
  };
  add("angle_table", bench_table);
  for (const ScoreKind kind : {ScoreKind::angle, ScoreKind::op_angle_sum}) {
    const std::string score = "/" + std::string(to_string(kind));
    add("score_15625_cells" + score, [=](benchmark::State& s) { bench_scores(s, kind); });
    add("exhaustive" + score, [=](benchmark::State& s) { bench_exhaustive(s, kind); });
    add("evolution" + score, [=](benchmark::State& s) { bench_evolution(s, kind, Compat::none); });
    add("evolution_published" + score,
        [=](benchmark::State& s) { bench_evolution(s, kind, Compat::megvii); });
  }
  for (const SearchMethod method : {SearchMethod::exhaustive, SearchMethod::evolution})
    add("report/" + std::string(to_string(method)), [=](benchmark::State& s) { bench_report(s, method); });
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  return rlnas::bench::bench_main(argc, argv, rlnas::bench::register_all, {"--benchmark_repetitions=5"});
}
