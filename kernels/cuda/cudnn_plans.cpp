#include "kernels/cuda/cudnn_plans.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <sstream>
#include <utility>

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

CudnnPlans::CudnnPlans(CudnnDevice device, const PlanPolicy& policy, std::string directory,
                       std::function<void()> before_planning)
    : device_(std::move(device)),
      policy_(policy),
      directory_(std::move(directory)),
      before_planning_(std::move(before_planning)) {
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

CudnnPlan CudnnPlans::make(const std::string& problem, const std::function<CudnnDescriptor()>& graph) {
  try {
    CudnnPlan plan = CudnnPlan::make(graph(), device_, policy_);
    ++made_count_;
    return plan;
  } catch (const Error& error) {
    fail(error.code(), problem, ": ", error.what());
  }
}

const CudnnPlan& CudnnPlans::of(const std::string& problem, const std::function<CudnnDescriptor()>& graph) {
  if (const auto found = plans_.find(problem); found != plans_.end()) return found->second;
  before_planning_();
  if (directory_.empty()) return plans_.emplace(problem, make(problem, graph)).first->second;

  const std::string key = problem + ", " + common_key_;
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
  const CudnnPlan& plan = plans_.emplace(problem, make(problem, graph)).first->second;
  write_plan(path, key, plan.json());
  return plan;
}

}  // namespace rlnas
