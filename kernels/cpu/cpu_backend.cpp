// What the CPU backend is made of; its primitives are in the files named after them.
#include "kernels/cpu/cpu_backend.h"

#include <omp.h>

#include <algorithm>
#include <cstring>
#include <sstream>

#include "kernels/cpu/conv_engine.h"
#include "kernels/words.h"

namespace rlnas {

CpuBackend::CpuBackend(const CpuOptions& options)
    : threads_(options.threads), algorithm_(options.conv_algorithm) {
  RLNAS_CHECK(threads_ >= 0 && threads_ <= CpuOptions::kMaxThreads, usage, "--threads ", threads_,
              ": must be 0 (all cores) to ", CpuOptions::kMaxThreads);
  RLNAS_CHECK(threads_ <= omp_get_thread_limit(), usage, "--threads ", threads_, ": OMP_THREAD_LIMIT allows ",
              omp_get_thread_limit());
  if (threads_ == 0) threads_ = cpu_cores();
  conv_ = std::make_unique<ConvEngine>(threads_, algorithm_);
}

CpuBackend::~CpuBackend() = default;

void* CpuBackend::allocate(std::size_t bytes) {
  void* const memory = bytes <= std::size_t(-1) / 2 ? memory_.allocate(bytes) : nullptr;
  RLNAS_CHECK(memory != nullptr, device, "out of host memory: ", bytes >> 20,
              " MiB wanted in one block; lower --batch-size");
  return memory;
}

void CpuBackend::upload(void* device, const void* host, std::size_t bytes) {
  if (bytes > 0) std::memcpy(device, host, bytes);
}

void CpuBackend::download(void* host, const void* device, std::size_t bytes) {
  if (bytes > 0) std::memcpy(host, device, bytes);
}

std::string CpuBackend::description() const {
  std::ostringstream text;
  text << "cpu: " << threads_ << (threads_ == 1 ? " thread, " : " threads, ") << onednn_description();
  if (algorithm_ != ConvAlgorithm::automatic) text << ", " << word_of(algorithm_) << " convolutions";
  return text.str();
}

int cpu_cores() {
  // OpenMP counts this process's affinity mask.
  return std::min({omp_get_num_procs(), omp_get_thread_limit(), CpuOptions::kMaxThreads});
}

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) {
  return std::make_unique<CpuBackend>(options);
}

}  // namespace rlnas
