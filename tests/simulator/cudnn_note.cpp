#include "tests/simulator/cudnn_note.h"

#include <algorithm>
#include <array>

namespace rlnas::simulator {
namespace {

// A part of a finished descriptor, from the real library.
class Part {
 public:
  Part(cudnnBackendDescriptor_t of, cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type) {
    RLNAS_REAL_CUDNN(cudnnBackendCreateDescriptor)(type, &descriptor_);
    std::int64_t count = 0;
    RLNAS_REAL_CUDNN(cudnnBackendGetAttribute)
    (of, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &descriptor_);
  }
  ~Part() { RLNAS_REAL_CUDNN(cudnnBackendDestroyDescriptor)(descriptor_); }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  cudnnBackendDescriptor_t get() const { return descriptor_; }

 private:
  cudnnBackendDescriptor_t descriptor_ = nullptr;
};

struct Engine {
  std::int64_t number = -1;
  bool tensor_cores = false;
};

Engine engine_of(cudnnBackendDescriptor_t plan) {
  const auto get = RLNAS_REAL_CUDNN(cudnnBackendGetAttribute);
  const Part configuration(plan, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
  const Part part(configuration.get(), CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  Engine engine;
  std::int64_t count = 0;
  get(part.get(), CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count, &engine.number);
  std::array<cudnnBackendNumericalNote_t, 32> notes{};
  count = 0;
  get(part.get(), CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, std::int64_t(notes.size()),
      &count, notes.data());
  engine.tensor_cores = std::find(notes.begin(), notes.begin() + count, CUDNN_NUMERICAL_NOTE_TENSOR_CORE) !=
                        notes.begin() + count;
  return engine;
}

constexpr std::uint64_t kSlackBytes = 4096;  // beside copies; the plans seen have 1 or 2 KiB

KernelCost moved(std::uint64_t bytes) {
  return {bytes, bytes, 0};
}

// The tensors whose copies the workspace holds and little else: bit i is the i-th; 0 where it is no such sum.
unsigned copies_in(std::uint64_t workspace_bytes, const std::array<std::uint64_t, 3>& tensor_bytes) {
  unsigned best = 0;
  std::uint64_t least_left = kSlackBytes + 1;
  for (unsigned set = 1; set < 8; ++set) {
    std::uint64_t bytes = 0;
    for (unsigned i = 0; i < 3; ++i) bytes += (set >> i & 1) != 0 ? tensor_bytes[i] : 0;
    if (bytes > workspace_bytes || workspace_bytes - bytes >= least_left) continue;
    least_left = workspace_bytes - bytes;
    best = set;
  }
  return best;
}

void assume_kernels(const Convolution& convolution, const GraphTensor& result, Work& work) {
  const std::array<std::uint64_t, 3> bytes = {convolution.x.bytes(), convolution.w.bytes(),
                                              convolution.y.bytes()};
  if (const unsigned copies = copies_in(work.workspace_bytes, bytes); copies != 0) {
    for (unsigned i = 0; i < 3; ++i) {
      if ((copies >> i & 1) == 0) continue;
      work.kernels += 1;
      work.assumed = work.assumed + moved(bytes[i]);
      work.assumption += work.assumption.empty() ? "copies of " : ", ";
      work.assumption += "xwy"[i];
    }
  } else if (work.workspace_bytes >= result.bytes()) {
    work.kernels += 1;
    work.assumed = moved(work.workspace_bytes);
    work.assumption = "partial sums";
  }
}

const char* name_of(ConvolutionResult result) {
  switch (result) {
    case ConvolutionResult::x:
      return "conv_backward_data";
    case ConvolutionResult::w:
      return "conv_backward_weights";
    case ConvolutionResult::y:
      break;
  }
  return "conv_forward";
}

const char* name_of(NormPool::Kind kind) {
  switch (kind) {
    case NormPool::Kind::norm_forward:
      return "norm_forward";
    case NormPool::Kind::norm_backward:
      return "norm_backward";
    case NormPool::Kind::average_forward:
      return "average_forward";
    case NormPool::Kind::average_backward:
      break;
  }
  return "average_backward";
}

void describe(const Convolution& convolution, Work& work) {
  const GraphTensor &x = convolution.x, &w = convolution.w, &y = convolution.y;
  const GraphTensor& result = convolution.result == ConvolutionResult::x   ? x
                              : convolution.result == ConvolutionResult::w ? w
                                                                           : y;
  work.name = name_of(convolution.result);
  const std::uint64_t macs = y.count() * std::uint64_t(w.sizes[1] * w.sizes[2] * w.sizes[3]);
  work.cost = {x.bytes() + w.bytes() + y.bytes() - result.bytes(), result.bytes(), 2 * macs};
  assume_kernels(convolution, result, work);
  if (x.type != CUDNN_DATA_FLOAT) work.arithmetic = Arithmetic::bf16;
}

void describe(const NormPool& operation, Work& work) {
  work.name = name_of(operation.kind);
  std::uint64_t bytes = 0;
  for (const GraphTensor& tensor : operation.tensors) bytes += tensor.bytes();
  const bool norm =
      operation.kind == NormPool::Kind::norm_forward || operation.kind == NormPool::Kind::norm_backward;
  // The result is the second tensor, or of the gradients the third and the first.
  const std::size_t result = operation.kind == NormPool::Kind::norm_backward      ? 2
                             : operation.kind == NormPool::Kind::average_backward ? 0
                                                                                  : 1;
  const std::uint64_t written = operation.tensors[result].bytes();
  const std::uint64_t per_element =
      norm ? 8 : std::uint64_t(operation.window[0]) * std::uint64_t(operation.window[1]);
  work.cost = {bytes - written, written, per_element * operation.tensors[1].count()};
}

}  // namespace

Work work_of(cudnnBackendDescriptor_t plan, const Computation& computation, std::size_t workspace_bytes) {
  const Engine engine = engine_of(plan);
  Work work{.kind = WorkKind::cudnn, .workspace_bytes = workspace_bytes};
  if (engine.tensor_cores) work.arithmetic = Arithmetic::tf32;
  std::visit([&](const auto& of) { describe(of, work); }, computation);
  work.name += ", engine " + std::to_string(engine.number);
  work.cost = work.cost + work.assumed;
  return work;
}

}  // namespace rlnas::simulator
