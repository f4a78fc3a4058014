// What comes after the sums on the DARTS spaces, on one thread of this machine: the angle of an architecture,
// proposals of every kind, whole searches and the proof of the optimum. The sums are made up like those of a
// trained SuperNet: the work is the same for any weights, but for the proof's.
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "bench/machine.h"
#include "engine/philox.h"
#include "search/darts/exact.h"
#include "search/darts/path_sampler.h"
#include "search/darts/space.h"
#include "search/darts/supernet.h"

namespace rlnas::bench {
namespace {

using namespace rlnas::darts;

DartsSpace make_space(Preset preset) {
  darts::SpaceSpec spec = darts::SpaceSpec::published(preset);
  if (preset == Preset::imagenet) spec.constraint.max_macs = 600'000'000;
  const SegmentTable segments = darts::supernet_segments(preset, spec.supernet.classes);
  RandomStream random(0, "darts search bench");
  std::vector<AngleSums> sums;
  for (const Segment& segment : segments) {
    const double norm0 = double(segment.count) * (0.1 + 0.9 * random.uniform_double());
    const double norm1 = norm0 * std::exp2(2.0 * random.uniform_double() - 1.0);
    sums.push_back({0.6 * random.uniform_double() * std::sqrt(norm0 * norm1), norm0, norm1});
  }
  return {make_angle_table(segments, sums, spec.supernet, Compat::none), spec};
}

const DartsSpace& space_of(Preset preset) {
  static const DartsSpace cifar = make_space(Preset::cifar), imagenet = make_space(Preset::imagenet);
  return preset == Preset::cifar ? cifar : imagenet;
}

std::vector<Architecture> sample(int count) {
  const PathSampler sampler(0, PathSource::philox);
  std::vector<Architecture> architectures;
  for (int i = 0; i < count; ++i) architectures.push_back(sampler.path(i));
  return architectures;
}

constexpr int kSample = 10000;

void bench_angle(benchmark::State& state) {
  const AngleTable& table = space_of(Preset::imagenet).table();
  const std::vector<Architecture> architectures = sample(kSample);
  for (auto _ : state)
    for (const Architecture& architecture : architectures)
      benchmark::DoNotOptimize(angle_rad(table, architecture));
  state.SetItemsProcessed(state.iterations() * kSample);
}

// What a search does with a candidate: limits, angle, FLOPs.
void bench_candidate(benchmark::State& state) {
  const DartsSpace& space = space_of(Preset::imagenet);
  std::vector<Genes> candidates;
  for (const Architecture& architecture : sample(kSample))
    candidates.push_back(genes_of_architecture(architecture));
  for (auto _ : state)
    for (const Genes& genes : candidates)
      if (space.legal(genes)) {
        benchmark::DoNotOptimize(space.score(genes));
        benchmark::DoNotOptimize(space.macs(genes));
      }
  state.SetItemsProcessed(state.iterations() * kSample);
}

void bench_path(benchmark::State& state, PathSource source) {
  const PathSampler sampler(1, source);
  std::int64_t step = 0;
  for (auto _ : state) benchmark::DoNotOptimize(sampler.path(step++));
}

void bench_evolution(benchmark::State& state, Preset preset, Compat compat) {
  EvolutionOptions options;
  options.population = 50, options.top = 10, options.mutants = options.crossovers = 25;
  options.label_draws = 0, options.compat = compat;
  for (auto _ : state) benchmark::DoNotOptimize(evolve(space_of(preset), options));
}

void bench_exact(benchmark::State& state, Preset preset) {
  for (auto _ : state) {
    const LargestAngle found = largest_angle(space_of(preset));
    state.counters["nodes"] = double(found.nodes);
    state.counters["pairs"] = found.pairs_solved;
    state.counters["proven"] = found.status == ExactStatus::optimal ? 1 : 0;
  }
}

void register_all() {
  const auto add = [](const std::string& name, auto function) {
    return benchmark::RegisterBenchmark(name.c_str(), function)->Unit(benchmark::kMicrosecond);
  };
  add("angle_10000", bench_angle);
  add("candidate_10000", bench_candidate);
  add("path/philox", [](benchmark::State& s) { bench_path(s, PathSource::philox); });
  add("path/numpy", [](benchmark::State& s) { bench_path(s, PathSource::numpy); });
  for (const Preset preset : {Preset::cifar, Preset::imagenet}) {
    const std::string name = preset == Preset::cifar ? "/darts-cifar" : "/darts-imagenet";
    add("evolution" + name, [=](benchmark::State& s) { bench_evolution(s, preset, Compat::none); });
    add("evolution_published" + name,
        [=](benchmark::State& s) { bench_evolution(s, preset, Compat::megvii); });
    add("exact" + name, [=](benchmark::State& s) { bench_exact(s, preset); })->Iterations(1);
  }
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  return rlnas::bench::bench_main(argc, argv, rlnas::bench::register_all, {"--benchmark_repetitions=3"});
}
