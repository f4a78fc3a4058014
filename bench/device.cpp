#include "bench/device.h"

#include <chrono>
#include <string>
#include <string_view>

#include "engine/device.h"
#include "kernels/check.h"

namespace rlnas::bench {
namespace {

constexpr int kQueuedCalls = 20;

struct Device {
  std::string text = "cpu";
  CudaOptions cuda;
};

Device& device() {
  static Device chosen;
  return chosen;
}

Precision precision_of(const std::string& text) {
  if (text == "fp32") return Precision::fp32;
  if (text == "tf32") return Precision::tf32;
  if (text == "bf16") return Precision::bf16;
  fail(ErrorCode::usage, "--precision: '", text, "' is not one of fp32, tf32, bf16");
}

// The value of `--flag VALUE` or `--flag=VALUE`, removed; "" when the flag is not there.
std::string take_flag(std::vector<char*>& arguments, std::string_view flag) {
  for (auto at = arguments.begin() + 1; at != arguments.end(); ++at) {
    const std::string_view text = *at;
    if (text.starts_with(flag) && text.substr(flag.size()).starts_with('=')) {
      const std::string value(text.substr(flag.size() + 1));
      arguments.erase(at);
      return value;
    }
    if (text != flag) continue;
    RLNAS_CHECK(at + 1 != arguments.end(), usage, std::string(flag), ": a value is missing");
    const std::string value = *(at + 1);
    arguments.erase(at, at + 2);
    return value;
  }
  return "";
}

}  // namespace

void take_device(std::vector<char*>& arguments) {
  if (const std::string text = take_flag(arguments, "--device"); !text.empty()) device().text = text;
  if (const std::string text = take_flag(arguments, "--precision"); !text.empty())
    device().cuda.precision = precision_of(text);
  const std::string& text = device().text;
  RLNAS_CHECK(text == "cpu" || text == "cuda" || text.starts_with("cuda:"), usage, "--device: '", text,
              "' is not one of cpu, cuda, cuda:N");
}

bool on_cpu() {
  return device().text == "cpu";
}

const std::string& device_text() {
  return device().text;
}

const CudaOptions& cuda_options() {
  return device().cuda;
}

std::unique_ptr<Backend> make_backend(const CpuOptions& cpu) {
  return choose_device(device().text, {.cpu = cpu, .cuda = device().cuda}).backend;
}

std::vector<int> thread_counts() {
  if (!on_cpu()) return {0};
  const int cores = cpu_cores();
  std::vector<int> counts;
  for (int threads = 1; threads < cores; threads *= 2) counts.push_back(threads);
  counts.push_back(cores);
  return counts;
}

int calls_a_timing() {
  return on_cpu() ? 1 : kQueuedCalls;
}

double seconds_a_call(Backend& backend, int calls, const std::function<void(int)>& call) {
  backend.synchronize();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) call(i);
  backend.synchronize();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / calls;
}

}  // namespace rlnas::bench
