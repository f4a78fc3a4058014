#include "engine/device.h"

#include <charconv>

namespace rlnas {

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
  if (text.starts_with("cuda:")) {
    const char* first = text.data() + 5;
    const char* last = text.data() + text.size();
    int index = 0;
    const auto [end, error] = std::from_chars(first, last, index);
    if (error == std::errc() && end == last && index >= 0) return cuda(index, "as asked");
  }
  fail(ErrorCode::usage, "--device: '", text, "' is not one of auto, cpu, cuda, cuda:N, ref");
}

}  // namespace rlnas
