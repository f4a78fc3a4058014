// What the CUDA backend is made of; its primitives are in the files named after them.
#include "kernels/cuda/cuda_backend.h"

#include <sstream>

#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/graphed_backend.h"
#include "kernels/words.h"

namespace rlnas {

CudaBackend::CudaBackend(const CudaOptions& options)
    : options_(options),
      device_(std::make_unique<CudaDevice>(options)),
      stream_(device_->compute.get()),
      counters_(reinterpret_cast<unsigned*>(device_->counters.data())),
      norm_pool_(device_->norm_pool.get()) {
  try_kernel();
}

// What no library says of itself: whether this program holds kernels for the device.
void CudaBackend::try_kernel() {
  const DeviceMemory word(sizeof(float));
  try {
    run(Fill{.count = 1, .y = reinterpret_cast<float*>(word.data())});
  } catch (const Error& error) {
    fail(ErrorCode::device, "cuda:", device_->index, ": ", device_->name,
         " cannot run the kernels of this build (", error.what(),
         "); build with -DCMAKE_CUDA_ARCHITECTURES=", device_->architecture, ", or use --device cpu");
  }
  synchronize();
}

CudaBackend::~CudaBackend() = default;

std::string CudaBackend::description() const {
  std::ostringstream text;
  text << "cuda:" << device_->index << ": " << device_->name << ", " << (device_->memory_bytes >> 20)
       << " MiB, " << word_of(options_.precision)
       << (options_.determinism == Determinism::on ? ", deterministic" : ", not deterministic");
  if (options_.graph_capture == GraphCapture::stages) text << ", stages as CUDA graphs";
  if (options_.pointwise == Pointwise::cudnn) text << ", 1x1 convolutions by cuDNN";
  if (norm_pool_ != nullptr) text << ", norm and pooling by cuDNN";
  if (activation_type() == Element::bf16) text << ", activations stored as bf16";
  return text.str();
}

void CudaBackend::begin_stage(const char* name, Direction direction) {
  device_->begin_stage({name, direction});
}

Element CudaBackend::activation_type() const {
  return options_.precision == Precision::bf16 ? Element::bf16 : Element::f32;
}

void CudaBackend::run_kept(const Stage& stage, int part, const CallLog& calls) {
  device_->graphs->run(stage, part, calls, *this);
}

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  if (options.graph_capture == GraphCapture::stages) return std::make_unique<GraphedBackend>(options);
  return std::make_unique<CudaBackend>(options);
}

}  // namespace rlnas
