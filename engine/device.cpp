#include "engine/device.h"

#include <charconv>

namespace rlnas {

DeviceChoice choose_device(const std::string& text, const CpuOptions& cpu_options, int local_rank) {
  const int threads = cpu_options.threads;
  RLNAS_CHECK(threads >= 0, usage, "--threads: ", threads, " is not a number of threads (0: all cores)");
  const auto cpu = [&](const std::string& reason) -> DeviceChoice {
    return {make_cpu_backend(cpu_options), reason, threads > 0 ? threads : cpu_cores()};
  };
  if (text == "cpu") return cpu("cpu, as asked");
  if (text == "ref") return {make_ref_backend(), "ref, as asked (slow double-precision loops)", 1};
  const std::string own_device = "cuda:" + std::to_string(local_rank);
  if (text == "auto") {
    try {
      return {make_cuda_backend(local_rank), own_device + ", found by auto"};
    } catch (const Error& error) {
      return cpu(std::string("cpu, chosen by auto (") + error.what() + ")");
    }
  }
  if (text == "cuda") return {make_cuda_backend(local_rank), own_device + ", as asked"};
  if (text.starts_with("cuda:")) {
    const char* first = text.data() + 5;
    const char* last = text.data() + text.size();
    int index = 0;
    const auto [end, error] = std::from_chars(first, last, index);
    if (error == std::errc() && end == last && index >= 0)
      return {make_cuda_backend(index), text + ", as asked"};
  }
  fail(ErrorCode::usage, "--device: '", text, "' is not one of auto, cpu, cuda, cuda:N, ref");
}

}  // namespace rlnas
