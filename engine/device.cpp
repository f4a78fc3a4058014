#include "engine/device.h"

#include <charconv>
#include <string_view>

namespace rlnas {

Precision parse_precision(const std::string& text) {
  for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::bf16})
    if (text == name_of(precision)) return precision;
  fail(ErrorCode::usage, "--precision: '", text, "' is not one of fp32, tf32, bf16");
}

std::optional<int> cuda_index(const std::string& text) {
  constexpr std::string_view kPrefix = "cuda:";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  const char* const last = text.data() + text.size();
  int index = 0;
  const auto [end, error] = std::from_chars(text.data() + kPrefix.size(), last, index);
  if (error != std::errc() || end != last || index < 0) return std::nullopt;
  return index;
}

DeviceChoice choose_device(const std::string& text, const DeviceOptions& options) {
  const int threads = options.cpu.threads;
  RLNAS_CHECK(threads >= 0, usage, "--threads: ", threads, " is not a number of threads (0: all cores)");
  const auto cpu = [&](const std::string& reason) -> DeviceChoice {
    return {make_cpu_backend(options.cpu), reason, threads > 0 ? threads : cpu_cores()};
  };
  const auto cuda = [&](int device, const std::string& reason) -> DeviceChoice {
    CudaOptions cuda_options = options.cuda;
    cuda_options.device = device;
    return {make_cuda_backend(cuda_options), "cuda:" + std::to_string(device) + ", " + reason};
  };
  if (text == "cpu") return cpu("cpu, as asked");
  if (text == "ref") return {make_ref_backend(), "ref, as asked (slow double-precision loops)", 1};
  if (text == "auto") {
    try {
      return cuda(options.cuda.device, "found by auto");
    } catch (const Error& error) {
      return cpu(std::string("cpu, chosen by auto (") + error.what() + ")");
    }
  }
  if (text == "cuda") return cuda(options.cuda.device, "as asked");
  if (const std::optional<int> index = cuda_index(text)) return cuda(*index, "as asked");
  fail(ErrorCode::usage, "--device: '", text, "' is not one of auto, cpu, cuda, cuda:N, ref");
}

}  // namespace rlnas
