// What the CUDA backend is made of; its primitives are in the files named after them.
#include "kernels/cuda/cuda_backend.h"

#include <sstream>

#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/stage.h"

namespace rlnas {

CudaBackend::CudaBackend(const CudaOptions& options)
    : options_(options),
      device_(std::make_unique<CudaDevice>(options)),
      stream_(device_->compute.get()),
      norm_pool_(device_->norm_pool.get()) {}

CudaBackend::~CudaBackend() = default;

std::string CudaBackend::description() const {
  std::ostringstream text;
  text << "cuda:" << device_->index << ": " << device_->name << ", " << (device_->memory_bytes >> 20)
       << " MiB, " << name_of(options_.precision)
       << (options_.determinism == Determinism::on ? ", deterministic" : ", not deterministic");
  if (options_.graph_capture == GraphCapture::stages) text << ", stages as CUDA graphs";
  if (norm_pool_ != nullptr) text << ", norm and pooling by cuDNN";
  return text.str();
}

void CudaBackend::begin_stage(const char* name, Direction direction) {
  device_->begin_stage({name, direction});
}

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  return std::make_unique<CudaBackend>(options);
}

}  // namespace rlnas
