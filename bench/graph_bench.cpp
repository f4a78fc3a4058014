// What a SuperNet's step costs before anything of it runs, of every space: the graph of its path, and the
// program that this becomes. Per step: both are made anew. On one thread of this machine; the device has no
// part in it. `supernet` is what a run makes once: the graph of all candidates and the layout of its tensors.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "bench/machine.h"
#include "ops/graph_program.h"
#include "ops/network_layout.h"
#include "search/spaces.h"

namespace rlnas::bench {
namespace {

constexpr int kSteps = 64;  // whose paths are taken in turns

// The published SuperNet and the paths of its first steps.
struct Steps {
  explicit Steps(const Space& of)
      : space(of),
        options{.classes = of.info().search.classes, .image_size = of.info().search.image_size},
        layout(of.network(options, {}), Initializer::pytorch) {
    const int cells = of.info().every_cell_has_a_path ? of.searchable_cells(options) : 0;
    const StepPaths sampler = of.make_sampler({.seed = 1, .own_paths = cells});
    for (int step = 0; step < kSteps; ++step) paths.push_back(sampler(step));
  }

  Graph graph(std::size_t step) const { return space.network(options, paths[step % kSteps]); }

  const Space& space;
  NetworkOptions options;
  NetworkLayout layout;
  std::vector<std::vector<Genes>> paths;
};

void bench_graph(benchmark::State& state, const Space& space) {
  const Steps steps(space);
  std::size_t step = 0, nodes = 0;
  for (auto _ : state) {
    const Graph graph = steps.graph(step++);
    nodes += std::size_t(graph.size());
  }
  state.counters["nodes"] = double(nodes) / double(step);
}

void bench_program(benchmark::State& state, const Space& space) {
  const Steps steps(space);
  std::vector<Graph> graphs;
  for (int step = 0; step < kSteps; ++step) graphs.push_back(steps.graph(std::size_t(step)));
  std::size_t step = 0, calls = 0;
  for (auto _ : state) {
    const Program program(graphs[step++ % kSteps], steps.layout, {});
    calls += program.calls().size();
  }
  state.counters["calls"] = double(calls) / double(step);
}

void bench_supernet(benchmark::State& state, const Space& space) {
  const Steps steps(space);
  int nodes = 0, tensors = 0;
  for (auto _ : state) {
    const Graph graph = space.network(steps.options, {});
    const NetworkLayout layout(graph, Initializer::pytorch);
    nodes = graph.size();
    tensors = layout.tensors().parameters().size();
  }
  state.counters["nodes"] = nodes;
  state.counters["tensors"] = tensors;
}

void register_all() {
  const auto add = [](const std::string& name, auto function, const Space* space) {
    benchmark::RegisterBenchmark((name + "/" + space->name()).c_str(), [=](benchmark::State& state) {
      function(state, *space);
    })->Unit(benchmark::kMicrosecond);
  };
  for (const Space* const space : all_spaces()) {
    add("graph", bench_graph, space);
    add("program", bench_program, space);
    add("supernet", bench_supernet, space);
  }
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  return rlnas::bench::bench_main(argc, argv, rlnas::bench::register_all, {"--benchmark_repetitions=5"});
}
