#include "bench/device.h"

#include <chrono>

#include "engine/device.h"
#include "kernels/words.h"

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

}  // namespace

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

void take_device(std::vector<char*>& arguments) {
  if (const std::string text = take_flag(arguments, "--device"); !text.empty()) device().text = text;
  if (const std::string text = take_flag(arguments, "--precision"); !text.empty())
    device().cuda.precision = parse_word<Precision>("--precision", text);
  const std::string& text = device().text;
  if (text == "cpu" || text == "cuda") return;
  const std::optional<int> index = cuda_index(text);
  RLNAS_CHECK(index, usage, "--device: '", text, "' is not one of cpu, cuda, cuda:N");
  device().cuda.device = *index;
}

bool on_cpu() {
  return device().text == "cpu";
}

const CudaOptions& cuda_options() {
  return device().cuda;
}

std::unique_ptr<Backend> make_backend(const CpuOptions& cpu) {
  return on_cpu() ? make_cpu_backend(cpu) : make_cuda_backend(device().cuda);
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
