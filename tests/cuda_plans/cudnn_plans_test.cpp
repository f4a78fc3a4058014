// cuDNN plans for an H100, an A100 and a T4 that are not there: every kind of convolution has one, plans keep
// what their policy promises, and the check can fail. What a plan computes and how fast is not shown here.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "engine/atomic_file.h"
#include "kernels/cuda/conv_plans.h"
#include "kernels/cuda/norm_pool_plans.h"
#include "search/recipes.h"
#include "search/trained_network.h"
#include "tests/cuda_plans/network_problems.h"
#include "tests/cuda_plans/other_graphs.h"
#include "tests/cuda_plans/plan_in_child.h"
#include "tests/kernels/case_table.h"
#include "tests/support/errors.h"
#include "tests/support/temporary_directory.h"

namespace rlnas::test {
namespace {

constexpr ConvPass kPasses[] = {ConvPass::forward, ConvPass::backward_data, ConvPass::backward_weights};
constexpr ConvSpec kConv = {64, 16, 32, 32, 16, 3, 1, 1, 1, 1};

CudnnDevice device(const char* name) {
  return CudnnDevice::of_json(read_file(std::string(RLNAS_DEVICE_PROPERTIES_DIR "/") + name + ".json"));
}

CudnnPlan plan(const CudnnDevice& on, const ConvProblem& problem, const PlanPolicy& policy) {
  return ConvPlans(on, policy, "").of(problem);
}

// The message of the Error(device) that `work` ends in, or "" when it ends in none.
template <class Work>
std::string device_error(const Work& work) {
  return error_of(ErrorCode::device, work);
}

// Whether the plan stays within plain, deterministic fp32.
bool plain(const PlanFacts& facts) {
  return !facts.has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) && !facts.has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC) &&
         !facts.has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS) &&
         !facts.has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION);
}

// Each convolution has a plan on both devices in each precision.
void check_plans(const NetworkProblems& problems) {
  REQUIRE(problems.convs.size() > 30);
  for (const char* name : {"h100_sxm", "a100_sxm"})
    for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::bf16}) {
      ConvPlans plans(device(name), {.precision = precision}, "");
      for (const ConvProblem& problem : problems.convs) {
        CAPTURE(text_of(problem));
        const PlanFacts facts = plans.of(problem).facts();
        CHECK(!facts.has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC));
        CHECK(!facts.has(CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION));
        if (precision == Precision::fp32) CHECK(plain(facts));
      }
    }
}

}  // namespace

TEST_CASE(
    "every convolution of a NAS-Bench-201 training step has a plan on H100 and A100 in each precision") {
  const NetworkProblems problems = problems_of(*make_training_space(TrainConfig{}, 10), {});
  // Stem, 1x1 and 3x3 in three stages, two more in each of two residual blocks; the stem needs no dx.
  CHECK(problems.convs.size() == 3 * (1 + 6 + 4) - 1);
  check_plans(problems);
}

TEST_CASE(
    "every convolution of the DARTS and MobileNet SuperNets has a plan on H100 and A100 at the published "
    "batch, in each precision") {
  for (const auto& [space, batch] :
       {std::pair{"darts-cifar", 64}, {"darts-imagenet", 512}, {"mobilenet", 512}}) {
    CAPTURE(space);
    CHECK(default_train_config(space).recipe.batch_size == batch);
    check_plans(problems_of(space, batch));
  }
}

TEST_CASE("every convolution of the kernel case table has a plain fp32 plan") {
  for (const char* name : {"h100_sxm", "a100_sxm"}) {
    ConvPlans plans(device(name), {}, "");
    for (const ConvSpec& spec : conv_specs())
      for (const ConvPass pass : kPasses) {
        CAPTURE(text_of({spec, pass}));
        CHECK(plain(plans.of({spec, pass}).facts()));
      }
  }
}

TEST_CASE("tf32 and bf16 reach the tensor cores") {
  constexpr ConvSpec spec = {64, 64, 8, 8, 64, 3, 1, 1, 1, 1};
  for (const char* name : {"h100_sxm", "a100_sxm"})
    for (const Precision precision : {Precision::tf32, Precision::bf16})
      for (const ConvPass pass : kPasses)
        CHECK(plan(device(name), {spec, pass}, {.precision = precision})
                  .facts()
                  .has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE));
}

TEST_CASE("determinism off lets cuDNN's first choice through, on does not") {
  const ConvProblem problem{kConv, ConvPass::backward_weights};
  const auto nondeterministic = [&](Determinism determinism) {
    return plan(device("h100_sxm"), problem, {.determinism = determinism})
        .facts()
        .has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
  };
  CHECK(nondeterministic(Determinism::off));
  CHECK(!nondeterministic(Determinism::on));
}

TEST_CASE("the workspace limit is kept") {
  const ConvProblem problem{kConv, ConvPass::forward};
  const std::size_t unlimited = plan(device("h100_sxm"), problem, {}).facts().workspace_bytes;
  REQUIRE(unlimited > 0);
  CHECK(plan(device("h100_sxm"), problem, {.workspace_limit_bytes = unlimited - 1}).facts().workspace_bytes <
        unlimited);
  CHECK(plan(device("h100_sxm"), problem, {.workspace_limit_bytes = 0}).facts().workspace_bytes == 0);
}

TEST_CASE("weight gradients in KRSC need no transposed activation") {
  const auto workspace = [&](FilterLayout layout) {
    const auto tensors = ConvTensors::of(kConv, layout, CUDNN_DATA_FLOAT);
    return CudnnPlan::make(conv_graph(kConv, ConvPass::backward_weights, tensors), device("h100_sxm"), {})
        .facts()
        .workspace_bytes;
  };
  CHECK(workspace(FilterLayout::krsc) < 4096);
  CHECK(workspace(FilterLayout::oihw) >= kConv.in_count() * sizeof(float));
  CHECK(filter_layout(ConvPass::backward_weights) == FilterLayout::krsc);
}

TEST_CASE("bf16 has no engine on a device that is too old for it") {
  const ConvProblem problem{kConv, ConvPass::forward};
  CHECK(plain(plan(device("t4"), problem, {}).facts()));
  const std::string message =
      device_error([&] { plan(device("t4"), problem, {.precision = Precision::bf16}); });
  CHECK(contains(message, "cuDNN has no plan"));
  CHECK(contains(message, "conv_forward [64,32,32,16]"));
}

TEST_CASE("shapes that do not fit together are refused") {
  ConvTensors tensors = ConvTensors::of(kConv, FilterLayout::oihw, CUDNN_DATA_FLOAT);
  CHECK(device_error([&] { conv_graph(kConv, ConvPass::forward, tensors); }).empty());
  tensors.y = nhwc_tensor(kConv.batch, kConv.out_channels, 31, 32, CUDNN_DATA_FLOAT);
  CHECK(contains(device_error([&] { conv_graph(kConv, ConvPass::forward, tensors); }), "BAD_PARAM"));
  CHECK(contains(device_error([] { CudnnDevice::of_json("{\"deviceVer\": 900}"); }), "BAD_PARAM"));
}

TEST_CASE("a plan is restored on its own device and refused on another") {
  const std::string json = plan(device("h100_sxm"), {kConv, ConvPass::forward}, {}).json();
  const PlanFacts made = plan(device("h100_sxm"), {kConv, ConvPass::forward}, {}).facts();
  const PlanFacts restored = CudnnPlan::restore(json, device("h100_sxm")).facts();
  CHECK(restored.engine == made.engine);
  CHECK(restored.workspace_bytes == made.workspace_bytes);
  CHECK(restored.numerical_notes == made.numerical_notes);
  CHECK(contains(device_error([&] { CudnnPlan::restore(json, device("a100_sxm")); }), "ARCH_MISMATCH"));
}

TEST_CASE("plans kept on disk are not made again") {
  const TemporaryDirectory directory;
  const std::string folder = directory / "plans";
  const auto use = [&](const CudnnDevice& on, const PlanPolicy& policy) {
    ConvPlans plans(on, policy, folder);
    for (const ConvPass pass : kPasses) {
      plans.of({kConv, pass});
      plans.of({kConv, pass});  // from memory
    }
    return std::pair(plans.made_count(), plans.restored_count());
  };
  const CudnnDevice h100 = device("h100_sxm");
  CHECK(use(h100, {}) == std::pair(3, 0));
  CHECK(use(h100, {}) == std::pair(0, 3));
  CHECK(use(h100, {.precision = Precision::tf32}) == std::pair(3, 0));
  CHECK(use(device("a100_sxm"), {}) == std::pair(3, 0));
  CHECK(use(h100, {}) == std::pair(0, 3));

  SUBCASE("a damaged file is made anew") {
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      std::filesystem::resize_file(entry, std::filesystem::file_size(entry) - 100);
    CHECK(use(h100, {}) == std::pair(3, 0));
    CHECK(use(h100, {}) == std::pair(0, 3));
  }
  SUBCASE("so is one of another problem") {
    std::filesystem::path first;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (first.empty())
        first = entry;
      else
        std::filesystem::copy_file(first, entry, std::filesystem::copy_options::overwrite_existing);
    }
    CHECK(use(h100, {}).first >= 2);
    CHECK(use(h100, {}) == std::pair(0, 3));
  }
  SUBCASE("a directory that cannot be is said so") {
    std::ofstream(directory / "file") << "no directory";
    try {
      ConvPlans(h100, {}, directory / "file/plans");
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::usage);
    }
  }
}

TEST_CASE("cuDNN crashes in the child process alone") {
  const PoolSpec spec{64, 16, 32, 32, 3, 1, 1};
  const PlanPolicy policy{.precision = Precision::tf32, .runtime_compilation = RuntimeCompilation::allow};
  const PlanOutcome crashed = plan_in_child(
      [&] { return CudnnPlan::make(max_pool_gradient_without_index(spec), device("h100_sxm"), policy); });
  CHECK(!crashed.planned);
  CHECK(contains(crashed.failure, "crashed with signal"));
}

TEST_CASE("engines compiled at run time finish a plan with the stub driver, and only when allowed") {
  constexpr BatchNormSpec spec{64 * 8 * 8, 64};
  const auto attempt = [&](RuntimeCompilation compilation) {
    return plan_in_child([&] {
      return CudnnPlan::make(norm_graph(spec, Direction::backward, Element::f32), device("h100_sxm"),
                             {.runtime_compilation = compilation});
    });
  };
  const PlanOutcome allowed = attempt(RuntimeCompilation::allow);
  CHECK_MESSAGE(allowed.planned, allowed.failure);
  CHECK(allowed.facts.has(CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION));
  const PlanOutcome avoided = attempt(RuntimeCompilation::avoid);
  CHECK(!avoided.planned);
  CHECK(contains(avoided.failure, "compiled at run time"));
}

TEST_CASE("what --norm-and-pool cudnn takes of a training step has a plan, with the stub driver") {
  const NetworkProblems problems = problems_of(*make_training_space(TrainConfig{}, 10), {});
  CHECK(problems.norms.size() == 6);
  REQUIRE(!problems.pools.empty());
  for (const char* name : {"h100_sxm", "a100_sxm"})
    for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::bf16}) {
      if (precision != Precision::fp32 && name == std::string("a100_sxm")) continue;  // for time
      const Element element = precision == Precision::bf16 ? Element::bf16 : Element::f32;
      CAPTURE(std::string(name));
      NormPoolPlans plans(device(name), {.precision = precision});
      for (const auto& [spec, direction] : problems.norms) {
        REQUIRE(plans.takes(spec, element));
        CHECK(plain(plans.norm(spec, direction, element).facts()));
      }
      for (const auto& [spec, direction] : problems.pools) {
        const bool taken = plans.takes(spec, direction, Store::overwrite);
        CHECK(taken == (direction == Direction::forward || precision != Precision::fp32));
        if (!taken) continue;
        const PlanFacts facts = plans.average(spec, direction, element).facts();
        CHECK(facts.workspace_bytes == 0);
        if (precision == Precision::fp32) CHECK(plain(facts));
      }
    }
}

TEST_CASE(
    "what --norm-and-pool cudnn does not take has no plan that keeps to the policy, with the stub driver") {
  constexpr PoolSpec pool{64, 16, 32, 32, 3, 1, 1};
  const CudnnDevice h100 = device("h100_sxm");
  const auto refusal_of = [&](const std::function<CudnnDescriptor()>& graph) {
    return plan_in_child([&] {
             return CudnnPlan::make(graph(), h100, {.runtime_compilation = RuntimeCompilation::allow});
           })
        .failure;
  };
  for (const auto& [channels, element] : {std::pair{3, Element::f32}, {12, Element::bf16}}) {
    const BatchNormSpec norm{.rows = 4096, .channels = channels};
    CHECK(!NormPoolPlans(h100, {}).takes(norm, element));
    CHECK(contains(refusal_of([&] { return norm_graph(norm, Direction::forward, element); }), "no plan"));
  }
  CHECK(contains(refusal_of([=] { return average_graph(pool, Direction::backward, Element::f32); }),
                 "tensor cores"));
  for (const Direction direction : {Direction::forward, Direction::backward})
    CHECK(contains(refusal_of([=] { return max_pool_graph(pool, direction); }), "tensor cores"));

  // And says so, with what to do.
  NormPoolPlans plans(h100, {});
  CHECK(contains(device_error([&] { plans.average(pool, Direction::backward, Element::f32); }),
                 "--norm-and-pool own"));
}

}  // namespace rlnas::test
