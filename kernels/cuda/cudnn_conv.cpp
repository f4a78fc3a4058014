#include "kernels/cuda/cudnn_conv.h"

#include <array>

#include "kernels/cuda/conv_staging.h"
#include "kernels/round_up.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

constexpr std::size_t kAlign = 256;

// Which tensor a pass writes.
constexpr ConvTensorId result_of(ConvPass pass) {
  switch (pass) {
    case ConvPass::forward:
      return ConvTensorId::y;
    case ConvPass::backward_data:
      return ConvTensorId::x;
    case ConvPass::backward_weights:
      break;
  }
  return ConvTensorId::w;
}

// The workspace of a pass: copies of the tensors that cuDNN cannot use where they lie, then its own scratch.
// In bf16 the filter has a copy, x and y where they are stored as floats; otherwise only a filter gradient
// whose layout has to change.
class ConvStaging {
 public:
  ConvStaging(const ConvProblem& problem, Precision precision, Element element, std::size_t cudnn_bytes) {
    const ConvSpec& spec = problem.spec;
    const bool bf16 = precision == Precision::bf16, casts = bf16 && element == Element::f32;
    const bool permuted = result_of(problem.pass) == ConvTensorId::w &&
                          filter_layout(problem.pass) == FilterLayout::krsc && filter_layouts_differ(spec);
    add(ConvTensorId::x, spec.in_count(), casts ? sizeof(Bf16) : 0);
    add(ConvTensorId::w, spec.weight_count(), bf16 ? sizeof(Bf16) : permuted ? sizeof(float) : 0);
    add(ConvTensorId::y, spec.out_count(), casts ? sizeof(Bf16) : 0);
    scratch_ = bytes_;
    bytes_ += cudnn_bytes;
  }

  std::size_t bytes() const { return bytes_; }
  void* scratch(const Workspace& workspace) const { return at(workspace, scratch_); }
  // The copy of a tensor, or nullptr where it is used as it lies.
  void* copy(ConvTensorId id, const Workspace& workspace) const {
    const Copy& copy = copies_[index(id)];
    return copy.exists ? at(workspace, copy.offset) : nullptr;
  }

 private:
  struct Copy {
    bool exists = false;
    std::size_t offset = 0;
  };

  static std::size_t index(ConvTensorId id) { return std::size_t(id) - std::size_t(ConvTensorId::x); }
  static void* at(const Workspace& workspace, std::size_t offset) {
    return static_cast<char*>(workspace.data) + offset;
  }
  void add(ConvTensorId id, std::size_t count, std::size_t element_bytes) {
    copies_[index(id)] = {element_bytes > 0, bytes_};
    bytes_ += round_up(count * element_bytes, kAlign);
  }

  std::array<Copy, 3> copies_;
  std::size_t scratch_ = 0, bytes_ = 0;
};

}  // namespace

CudnnConv::CudnnConv(const CudaOptions& options, GpuStream stream, std::function<void()> before_planning)
    : precision_(options.precision),
      stream_(stream),
      plans_(CudnnDevice::of_index(options.device),
             {.precision = options.precision, .determinism = options.determinism}, options.plan_directory,
             std::move(before_planning)),
      handle_(stream) {}

std::size_t CudnnConv::workspace_bytes(const ConvProblem& problem, Element element) {
  check_storage(precision_, element);
  return ConvStaging(problem, precision_, element, plans_.of(problem).facts().workspace_bytes).bytes();
}

void CudnnConv::run(const ConvProblem& problem, const ConvInputs& inputs, Values result,
                    Workspace workspace) {
  const ConvSpec& spec = problem.spec;
  const Element element = (problem.pass == ConvPass::backward_data ? inputs.y : inputs.x).element();
  check_storage(precision_, element);
  const CudnnPlan& plan = plans_.of(problem);
  const ConvStaging staging(problem, precision_, element, plan.facts().workspace_bytes);
  check_workspace("convolution", workspace, staging.bytes());

  const ConvTensorId result_id = result_of(problem.pass);
  // Where cuDNN finds a tensor: the caller's memory, or a copy, filled here unless it is the result.
  const auto place = [&](ConvTensorId id, ConstValues input, std::size_t count) -> void* {
    void* const copy = staging.copy(id, workspace);
    if (input.element() == Element::bf16) return const_cast<void*>(input.data());
    if (copy == nullptr) return id == result_id ? result.data() : const_cast<void*>(input.data());
    if (id != result_id) stage_as_bf16(count, input, static_cast<Bf16*>(copy), stream_);
    return copy;
  };
  const bool takes_rounded = precision_ == Precision::bf16 && inputs.rounded_w != nullptr;
  const ConstValues w = takes_rounded ? ConstValues(inputs.rounded_w) : ConstValues(inputs.w);
  // By the numbers of ConvTensorId.
  const std::array<void*, 3> pointers = {place(ConvTensorId::x, inputs.x, spec.in_count()),
                                         place(ConvTensorId::w, w, spec.weight_count()),
                                         place(ConvTensorId::y, inputs.y, spec.out_count())};
  handle_.execute(plan, pointers, staging.scratch(workspace), "convolution");

  const void* const made = staging.copy(result_id, workspace);
  if (made == nullptr) return;
  if (precision_ != Precision::bf16)
    unstage_filter(spec, static_cast<const float*>(made), result, stream_);
  else if (result_id == ConvTensorId::w)
    unstage_filter(spec, static_cast<const Bf16*>(made), result, stream_);
  else
    unstage_bf16(result_id == ConvTensorId::x ? spec.in_count() : spec.out_count(),
                 static_cast<const Bf16*>(made), result, stream_);
}

}  // namespace rlnas
