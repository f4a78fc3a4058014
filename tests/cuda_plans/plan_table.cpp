// Plans every cuDNN graph of a SuperNet's training step for devices that are described, not
// present, and prints the result as Markdown. Ends with 1 when a graph that the backend would run has no
// plan.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "engine/atomic_file.h"
#include "kernels/cuda/conv_plans.h"
#include "kernels/words.h"
#include "rlnas/recorded_call.hpp"
#include "search/spaces.h"
#include "tests/cuda_plans/network_problems.h"
#include "tests/cuda_plans/other_graphs.h"
#include "tests/cuda_plans/plan_in_child.h"

namespace rlnas::test {
namespace {

constexpr Precision kPrecisions[] = {Precision::fp32, Precision::tf32, Precision::bf16};

constexpr std::pair<cudnnBackendNumericalNote_t, const char*> kNumericalNotes[] = {
    {CUDNN_NUMERICAL_NOTE_TENSOR_CORE, "tensor core"},
    {CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS, "down-converts inputs"},
    {CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION, "reduced-precision reduction"},
    {CUDNN_NUMERICAL_NOTE_FFT, "FFT"},
    {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC, "nondeterministic"},
    {CUDNN_NUMERICAL_NOTE_WINOGRAD, "Winograd"},
    {CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4, "Winograd 4x4"},
    {CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6, "Winograd 6x6"},
    {CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13, "Winograd 13x13"},
    {CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP, "strict NaN"}};

constexpr std::pair<cudnnBackendBehaviorNote_t, const char*> kBehaviorNotes[] = {
    {CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION, "compiled at run time"},
    {CUDNN_BEHAVIOR_NOTE_SUPPORTS_CUDA_GRAPH_NATIVE_API, "native CUDA graph"},
    {CUDNN_BEHAVIOR_NOTE_CUBLASLT_DEPENDENCY, "cuBLASLt"}};

// "tensor core, nondeterministic", or "none"
std::string notes_text(const PlanFacts& facts) {
  std::string text;
  const auto append = [&](const char* name) { text += (text.empty() ? "" : ", ") + std::string(name); };
  for (const auto& [note, name] : kNumericalNotes)
    if (facts.has(note)) append(name);
  for (const auto& [note, name] : kBehaviorNotes)
    if (facts.has(note)) append(name);
  return text.empty() ? "none" : text;
}

std::string workspace_text(const PlanFacts& facts) {
  return std::to_string((facts.workspace_bytes + 1023) / 1024);
}

std::string cells_of(const PlanOutcome& outcome) {
  if (!outcome.planned) return "none | | " + outcome.failure;
  return std::to_string(outcome.facts.engine) + " | " + workspace_text(outcome.facts) + " | " +
         notes_text(outcome.facts);
}

std::string short_cells_of(const PlanOutcome& outcome) {
  return outcome.planned ? std::to_string(outcome.facts.engine) + " | " + workspace_text(outcome.facts)
                         : "none | ";
}

class Table {
 public:
  Table(const NetworkProblems& problems, const std::string& device_file)
      : problems_(problems),
        json_(read_file(device_file)),
        device_(CudnnDevice::of_json(json_)),
        name_(nlohmann::json::parse(json_)["deviceName"].get<std::string>()) {
    // Loads cuDNN's libraries before there are children, which would each do it again.
    ConvPlans(device_, {}, "").of(problems_.convs.at(0));
  }

  void convolutions(Precision precision) {
    std::printf("\n## %s: convolutions, %s\n\n| pass | engine | workspace KiB | notes |\n|---|--:|--:|---|\n",
                name_.c_str(), word_of(precision));
    for (const ConvProblem& problem : problems_.convs) {
      const PlanOutcome outcome = plan(problem, filter_layout(problem.pass), {.precision = precision});
      missing_ += outcome.planned ? 0 : 1;
      std::printf("| %s | %s |\n", text_of(problem).c_str(), cells_of(outcome).c_str());
    }
  }

  // A line a pass: engine and workspace in KiB in each precision. A star: without the limit of the workspace
  // it would be another engine.
  void convolutions_in_short() {
    std::printf("\n### %s\n\n| pass |", name_.c_str());
    for (const Precision precision : kPrecisions) std::printf(" %s engine | KiB |", word_of(precision));
    std::printf("\n|---|--:|--:|--:|--:|--:|--:|\n");
    struct Workspaces {
      std::size_t most = 0;        // that is used
      std::size_t most_asked = 0;  // that the limit refused
      int refused = 0;
    };
    std::map<Precision, Workspaces> workspaces;
    for (const ConvProblem& problem : problems_.convs) {
      std::printf("| %s |", text_of(problem).c_str());
      for (const Precision precision : kPrecisions) {
        PlanPolicy policy{.precision = precision};
        const PlanOutcome outcome = plan(problem, filter_layout(problem.pass), policy);
        missing_ += outcome.planned ? 0 : 1;
        policy.workspace_limit_bytes = std::numeric_limits<std::size_t>::max();
        const PlanOutcome unlimited = plan(problem, filter_layout(problem.pass), policy);
        const bool limited = outcome.planned && outcome.facts.engine != unlimited.facts.engine;
        std::printf(" %s%s |", limited ? "\\*" : "", short_cells_of(outcome).c_str());
        Workspaces& of = workspaces[precision];
        of.most = std::max(of.most, outcome.facts.workspace_bytes);
        of.refused += limited ? 1 : 0;
        if (limited) of.most_asked = std::max(of.most_asked, unlimited.facts.workspace_bytes);
      }
      std::printf("\n");
    }
    std::printf(
        "\n| | most workspace MiB | passes marked \\* | of them most asked for MiB |\n|---|--:|--:|--:|\n");
    for (const auto& [precision, of] : workspaces)
      std::printf("| %s | %zu | %d | %zu |\n", word_of(precision), of.most >> 20, of.refused,
                  of.most_asked >> 20);
  }

  // What the layout of the filter costs: the evidence for filter_layout().
  void filter_layouts() {
    std::printf(
        "\n## %s: the filter OIHW or KRSC, fp32\n\n| pass | OIHW engine | workspace KiB | KRSC engine "
        "| workspace KiB |\n|---|--:|--:|--:|--:|\n",
        name_.c_str());
    for (const ConvProblem& problem : problems_.convs)
      std::printf("| %s | %s | %s |\n", text_of(problem).c_str(),
                  short_cells_of(plan(problem, FilterLayout::oihw, {})).c_str(),
                  short_cells_of(plan(problem, FilterLayout::krsc, {})).c_str());
  }

  // Batch norm and pooling of fp32 tensors, with engines compiled at run time allowed; first with tensor
  // cores too, then in plain fp32. What own kernels do in every case is among it.
  void norm_and_pool() {
    std::printf(
        "\n## %s: batch norm and pooling, tensors in fp32\n\n| graph | tf32 engine | workspace KiB | notes "
        "| fp32 engine | workspace KiB |\n|---|--:|--:|---|--:|--:|\n",
        name_.c_str());
    for (const auto& [spec, direction] : problems_.norms) {
      const std::string shape = BatchNormStatistics{.spec = spec}.cost().shape;
      const bool forward = direction == Direction::forward;
      if (forward) offer("statistics alone " + shape, [&] { return statistics_graph(spec); });
      offer(std::string("batch norm ") + (forward ? "forward " : "backward ") + shape,
            [&] { return norm_graph(spec, direction, Element::f32); });
    }
    for (const auto& [spec, direction] : problems_.pools) {
      const bool forward = direction == Direction::forward;
      const std::string shape =
          (forward ? " pool forward " : " pool backward ") + AvgPoolForward{.spec = spec}.cost().shape;
      offer("average" + shape, [&] { return average_graph(spec, direction, Element::f32); });
      offer("maximum" + shape, [&] { return max_pool_graph(spec, direction); });
      if (!forward)
        offer("maximum pool backward without an index " + AvgPoolForward{.spec = spec}.cost().shape,
              [&] { return max_pool_gradient_without_index(spec); });
    }
  }

  int missing() const { return missing_; }

 private:
  PlanOutcome plan(const ConvProblem& problem, FilterLayout layout, const PlanPolicy& policy) const {
    return plan_in_child([&] {
      const ConvTensors tensors = ConvTensors::of(problem.spec, layout, conv_type(policy.precision));
      return CudnnPlan::make(conv_graph(problem.spec, problem.pass, tensors), device_, policy);
    });
  }

  void offer(const std::string& name, const std::function<CudnnDescriptor()>& graph) const {
    const auto outcome = [&](Precision precision) {
      const PlanPolicy policy{.precision = precision, .runtime_compilation = RuntimeCompilation::allow};
      return plan_in_child([&] { return CudnnPlan::make(graph(), device_, policy); });
    };
    std::printf("| %s | %s | %s |\n", name.c_str(), cells_of(outcome(Precision::tf32)).c_str(),
                short_cells_of(outcome(Precision::fp32)).c_str());
  }

  const NetworkProblems& problems_;
  std::string json_;
  CudnnDevice device_;
  std::string name_;
  int missing_ = 0;
};

int run(int argc, char** argv) {
  CLI::App app("Plans the cuDNN graphs of a SuperNet for described devices");
  std::vector<std::string> devices;
  std::string space = "nasbench201";
  int batch = 0;
  bool norm_and_pool = false, in_short = false;
  app.add_option("devices", devices, "JSON files of device properties")->required()->check(CLI::ExistingFile);
  app.add_option("--space", space)->capture_default_str();
  app.add_option("--batch", batch, "0: that of the published recipe")->capture_default_str();
  app.add_flag("--short", in_short, "convolutions alone, a line each");
  app.add_flag("--norm-and-pool", norm_and_pool,
               "also plan batch norm and pooling (needs a driver, or the stub)");
  CLI11_PARSE(app, argc, argv);

  const TrainConfig config = default_train_config(space);
  if (batch == 0) batch = config.recipe.batch_size;
  const int image_size = config.data.image_size;
  const NetworkProblems problems = problems_of(space, batch);
  std::printf("cuDNN %zu. %s SuperNet, images of %dx%d, batch %d: %zu convolution passes.\n",
              cudnnGetVersion(), find_space(space).info().title, image_size, image_size, batch,
              problems.convs.size());
  int missing = 0;
  for (const std::string& file : devices) {
    Table table(problems, file);
    if (in_short) {
      table.convolutions_in_short();
      missing += table.missing();
      continue;
    }
    for (const Precision precision : kPrecisions) table.convolutions(precision);
    table.filter_layouts();
    if (norm_and_pool) table.norm_and_pool();
    missing += table.missing();
  }
  if (missing > 0) std::fprintf(stderr, "%d convolution passes have no plan\n", missing);
  return missing > 0 ? 1 : 0;
}

}  // namespace
}  // namespace rlnas::test

int main(int argc, char** argv) {
  try {
    return rlnas::test::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
