#include "engine/device.h"

#include <charconv>
#include <string_view>

#include "kernels/cpu_features.h"

namespace rlnas {

std::optional<int> cuda_index(const std::string& text) {
  constexpr std::string_view kPrefix = "cuda:";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  const char* const last = text.data() + text.size();
  int index = 0;
  const auto [end, error] = std::from_chars(text.data() + kPrefix.size(), last, index);
  if (error != std::errc() || end != last || index < 0) return std::nullopt;
  return index;
}

const char* name_of(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::cpu:
      break;
    case DeviceKind::cuda:
      return "cuda";
    case DeviceKind::ref:
      return "ref";
  }
  return "cpu";
}

DeviceChoice choose_device(const std::string& text, const DeviceOptions& options) {
  const int threads = options.cpu.threads;
  RLNAS_CHECK(threads >= 0, usage, "--threads: ", threads, " is not a number of threads (0: all cores)");
  const auto cpu = [&](const std::string& reason) -> DeviceChoice {
    const CpuComplaint complaint = cpu_complaint(kKernelCpuFeatures, machine_cpu_features());
    RLNAS_CHECK(complaint.text[0] == '\0', device, std::string(complaint.text));
    return {DeviceKind::cpu, make_cpu_backend(options.cpu), reason, threads > 0 ? threads : cpu_cores()};
  };
  const auto cuda = [&](int device, const std::string& reason) -> DeviceChoice {
    CudaOptions cuda_options = options.cuda;
    cuda_options.device = device;
    return {DeviceKind::cuda, make_cuda_backend(cuda_options),
            "cuda:" + std::to_string(device) + ", " + reason};
  };
  if (text == "cpu") return cpu("cpu, as asked");
  if (text == "ref")
    return {DeviceKind::ref, make_ref_backend(), "ref, as asked (slow double-precision loops)", 1};
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
