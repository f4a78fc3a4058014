// What comes after the sums, on one thread of this machine. On NAS-Bench-201: the table, the scores of all
// 15,625 cells, every search method; the device makes the sums alone, and they are not timed. The weights are
// random with every operation turned by another amount: the work is the same for any weights.
// baselines/angle_concat.py times the published way to the same angles. On every space: the scores of random
// candidates, all that a search asks of a candidate, whole searches and the proof of the optimum, from
// made-up sums (only the proof's time depends on them).
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "bench/device.h"
#include "bench/machine.h"
#include "engine/angle_tables.h"
#include "engine/philox.h"
#include "search/exhaustive.h"
#include "search/nasbench201/space.h"
#include "search/search_run.h"
#include "search/spaces.h"

namespace rlnas::bench {
namespace {

using namespace rlnas::nasbench201;

struct Weights {
  SegmentTable segments = supernet_segments("nasbench201", 10);
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
    sums.resize(std::size_t(segments.size()));
    const DeviceBytes w0(*backend, before.data(), count * sizeof(float)),
        w1(*backend, after.data(), count * sizeof(float)),
        device_sums(*backend, sums.size() * sizeof(AngleSums));
    const AngleTables tables(*backend, segments);
    TakeAngleSums call = tables.call();
    call.w0 = w0.as<float>();
    call.w1 = {w1.as<float>()};
    call.sums = device_sums.as<AngleSums>();
    const std::size_t scratch_bytes = backend->workspace_bytes(call);
    const DeviceBytes scratch(*backend, scratch_bytes);
    backend->run(call, {scratch.as<void>(), scratch_bytes});
    backend->download(sums.data(), device_sums.as<void>(), sums.size() * sizeof(AngleSums));
  }
};

const Weights& weights() {
  static const Weights made;
  return made;
}

std::unique_ptr<SearchSpace> make_cells() {
  return make_search_space({}, weights().sums);
}

void bench_table(benchmark::State& state) {
  const NetworkOptions supernet;
  for (auto _ : state)
    benchmark::DoNotOptimize(
        make_angle_table(space(), supernet, weights().segments, weights().sums, Compat::none));
}

// From enumeration indices, as a program has them.
void bench_scores(benchmark::State& state, const std::string& score) {
  const std::unique_ptr<SearchSpace> cells = make_cells();
  std::vector<double> scores(kSpaceSize);
  const bool by_angle = score == "angle";
  for (auto _ : state) {
    for (int i = 0; i < kSpaceSize; ++i) {
      const Genes genes = genes_of_cell(cell_at(i));
      scores[std::size_t(i)] = by_angle ? cells->angle_rad(genes) : cells->op_angle_sum(genes);
    }
    benchmark::DoNotOptimize(scores.data());
  }
  state.SetItemsProcessed(state.iterations() * kSpaceSize);
}

void bench_exhaustive(benchmark::State& state, const std::string& score) {
  const std::unique_ptr<SearchSpace> cells = make_cells();
  IndicatorMeasure measure({*cells}, {score});
  for (auto _ : state) benchmark::DoNotOptimize(exhaustive_search(*cells, measure));
}

void bench_evolution(benchmark::State& state, const std::string& score, Compat compat) {
  const std::unique_ptr<SearchSpace> cells = make_cells();
  IndicatorMeasure measure({*cells}, {score});
  EvolutionOptions options;
  options.compat = compat;
  for (auto _ : state) benchmark::DoNotOptimize(evolve(*cells, measure, options));
}

// From the table to the report, all that rlnas_search does between reading and printing.
void bench_report(benchmark::State& state, SearchMethod method) {
  SearchConfig config;
  config.method = method;
  for (auto _ : state) benchmark::DoNotOptimize(run_search(config, weights().sums));
}

// A space with its published limit, sums like those of a trained SuperNet, and random legal candidates.
struct AnySpace {
  static constexpr int kCandidates = 10000;
  SearchConfig config;
  std::vector<AngleSums> sums;
  std::unique_ptr<SearchSpace> space;
  std::vector<Genes> candidates;

  explicit AnySpace(const std::string& name) {
    const SearchDefaults defaults = search_defaults(name);
    config.space.name = name;
    config.space.classes = defaults.classes;
    config.space.image_size = defaults.image_size;
    if (defaults.max_mflops > 0.0) config.space.constraint.max_macs = std::llround(defaults.max_mflops * 1e6);
    config.evolution = defaults.evolution;
    RandomStream random(0, "search bench of any space");
    for (const Segment& segment : rlnas::supernet_segments(name, defaults.classes)) {
      const double norm0 = double(segment.count) * (0.1 + 0.9 * random.uniform_double());
      const double norm1 = norm0 * std::exp2(2.0 * random.uniform_double() - 1.0);
      sums.push_back({0.6 * random.uniform_double() * std::sqrt(norm0 * norm1), norm0, norm1});
    }
    space = make_search_space(config.space, sums);
    const auto below = [&](std::uint32_t n) { return random.below(n); };
    for (int i = 0; i < kCandidates; ++i) {
      Genes genes(std::size_t(space->gene_count()));
      for (int g = 0; g < space->gene_count(); ++g)
        genes[std::size_t(g)] = std::int8_t(below(std::uint32_t(space->choices(g))));
      space->repair(genes, below);
      candidates.push_back(genes);
    }
  }
};

void bench_any_score(benchmark::State& state, const std::string& name) {
  const AnySpace any(name);
  for (auto _ : state)
    for (const Genes& genes : any.candidates) benchmark::DoNotOptimize(any.space->angle_rad(genes));
  state.SetItemsProcessed(state.iterations() * AnySpace::kCandidates);
}

void bench_any_candidate(benchmark::State& state, const std::string& name) {
  const AnySpace any(name);
  for (auto _ : state)
    for (const Genes& genes : any.candidates) {
      benchmark::DoNotOptimize(any.space->legal(genes));
      benchmark::DoNotOptimize(any.space->angle_rad(genes));
      benchmark::DoNotOptimize(any.space->macs(genes));
    }
  state.SetItemsProcessed(state.iterations() * AnySpace::kCandidates);
}

// With its report.
void bench_any_search(benchmark::State& state, const std::string& name, SearchMethod method) {
  AnySpace any(name);
  any.config.method = method;
  for (auto _ : state) benchmark::DoNotOptimize(run_search(any.config, any.sums));
}

void register_all() {
  const auto add = [](const std::string& name, auto function) {
    benchmark::RegisterBenchmark(name.c_str(), function)->Unit(benchmark::kMicrosecond);
  };
  add("angle_table", bench_table);
  for (const std::string score : {"angle", "op-angle-sum"}) {
    add("score_15625_cells/" + score, [=](benchmark::State& s) { bench_scores(s, score); });
    add("exhaustive/" + score, [=](benchmark::State& s) { bench_exhaustive(s, score); });
    add("evolution/" + score, [=](benchmark::State& s) { bench_evolution(s, score, Compat::none); });
    add("evolution_published/" + score,
        [=](benchmark::State& s) { bench_evolution(s, score, Compat::megvii); });
  }
  for (const SearchMethod method : {SearchMethod::exhaustive, SearchMethod::evolution})
    add("report/" + std::string(word_of(method)), [=](benchmark::State& s) { bench_report(s, method); });
  for (const Space* const one : all_spaces()) {
    const std::string space = one->name();
    add(space + "/score", [=](benchmark::State& s) { bench_any_score(s, space); });
    add(space + "/legal_score_macs", [=](benchmark::State& s) { bench_any_candidate(s, space); });
    for (const SearchMethod method : {SearchMethod::evolution, SearchMethod::exact})
      add(space + "/" + std::string(word_of(method)),
          [=](benchmark::State& s) { bench_any_search(s, space, method); });
  }
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  return rlnas::bench::bench_main(argc, argv, rlnas::bench::register_all, {"--benchmark_repetitions=5"});
}
