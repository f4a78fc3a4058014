#include "kernels/cuda/conv_plans.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <utility>

#include "kernels/call_cost.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

namespace fs = std::filesystem;

// The rest of the file, if its first line is the key.
std::optional<std::string> read_plan(const fs::path& path, const std::string& key) {
  std::ifstream file(path, std::ios::binary);
  std::string first_line;
  if (!std::getline(file, first_line) || first_line != key) return std::nullopt;
  std::ostringstream rest;
  rest << file.rdbuf();
  return rest.str();
}

// Whole or not at all, also when several processes start at once.
void write_plan(const fs::path& path, const std::string& key, const std::string& json) {
  fs::path part = path;
  part += "." + std::to_string(getpid());
  std::ofstream file(part, std::ios::binary);
  file << key << '\n' << json;
  file.close();
  std::error_code error;
  if (file) fs::rename(part, path, error);
  RLNAS_CHECK(file && !error, data, path.string(), ": cannot write a cuDNN plan; is the disk full?");
}

}  // namespace

std::string text_of(const ConvProblem& problem) {
  const RecordedCall call = calls::conv(problem.spec, problem.pass);
  return call.primitive + " " + call.shape + ", padding " + std::to_string(problem.spec.padding);
}

ConvPlans::ConvPlans(CudnnDevice device, const PlanPolicy& policy, std::string directory)
    : device_(std::move(device)), policy_(policy), directory_(std::move(directory)) {
  if (directory_.empty()) return;
  std::error_code error;
  fs::create_directories(directory_, error);
  RLNAS_CHECK(!error, usage, directory_, ": cannot make the directory of cuDNN plans: ", error.message());
  std::ostringstream key;
  key << "precision " << int(policy_.precision) << ", determinism " << int(policy_.determinism)
      << ", compilation " << int(policy_.runtime_compilation) << ", workspace up to "
      << policy_.workspace_limit_bytes << ", cuDNN " << cudnnGetVersion() << ", " << device_.json();
  common_key_ = key.str();
  std::ranges::replace(common_key_, '\n', ' ');  // a key is one line
}

std::string ConvPlans::key_of(const ConvProblem& problem) const {
  return text_of(problem) + ", " + common_key_;
}

CudnnPlan ConvPlans::make(const ConvProblem& problem) {
  const FilterLayout layout = filter_layout(problem.pass);
  const ConvTensors tensors = ConvTensors::of(problem.spec, layout, conv_type(policy_.precision));
  try {
    CudnnPlan plan = CudnnPlan::make(conv_graph(problem.spec, problem.pass, tensors), device_, policy_);
    ++made_count_;
    return plan;
  } catch (const Error& error) {
    fail(error.code(), text_of(problem), ": ", error.what());
  }
}

const CudnnPlan& ConvPlans::of(const ConvProblem& problem) {
  if (const auto found = plans_.find(problem); found != plans_.end()) return found->second;
  check_spec(problem.spec);
  if (directory_.empty()) return plans_.emplace(problem, make(problem)).first->second;

  const std::string key = key_of(problem);
  std::ostringstream name;
  name << std::hex << std::hash<std::string>()(key) << ".plan";
  const fs::path path = fs::path(directory_) / name.str();
  if (const std::optional<std::string> json = read_plan(path, key)) {
    try {
      CudnnPlan plan = CudnnPlan::restore(*json, device_);
      ++restored_count_;
      return plans_.emplace(problem, std::move(plan)).first->second;
    } catch (const Error&) {
      // Damaged: made anew below.
    }
  }
  const CudnnPlan& plan = plans_.emplace(problem, make(problem)).first->second;
  write_plan(path, key, plan.json());
  return plan;
}

}  // namespace rlnas
