#include "kernels/dry/dry_backend.h"

#include <sys/mman.h>

#include <cstring>
#include <utility>

#include "kernels/dry/dry_backend_class.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

AffineSumSpec input_sum(const ConvSpec& conv) {
  return {.rows = conv.batch * conv.in_height * conv.in_width, .channels = conv.in_channels, .term_count = 1};
}

}  // namespace

std::unique_ptr<Backend> make_dry_backend(std::vector<RecordedCall>* calls, Backend* like) {
  return std::make_unique<DryBackend>(calls, like);
}

DryBackend::~DryBackend() {
  for (const auto& [memory, bytes] : reserved_) munmap(memory, bytes);
}

void DryBackend::record(RecordedCall call) {
  if (calls_ != nullptr) calls_->push_back(std::move(call));
}

std::string DryBackend::description() const {
  return like_ != nullptr ? "dry run of " + like_->description() : "dry run";
}

// Address space without memory behind it: using it faults at once.
void* DryBackend::allocate(std::size_t bytes) {
  const std::size_t reserved = bytes == 0 ? 1 : bytes;
  void* const memory = mmap(nullptr, reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  RLNAS_CHECK(memory != MAP_FAILED, device, "dry run: no address space for ", bytes >> 20,
              " MiB; lower --batch-size");
  const std::lock_guard lock(memory_mutex_);
  reserved_.emplace(memory, reserved);
  return memory;
}

void DryBackend::release(void* memory) noexcept {
  const std::lock_guard lock(memory_mutex_);
  const auto found = reserved_.find(memory);
  if (found == reserved_.end()) return;
  munmap(memory, found->second);
  reserved_.erase(found);
}

void DryBackend::upload(void*, const void*, std::size_t) {}

// Zeros, so that a caller's decisions on a result are at least repeatable.
void DryBackend::download(void* host, const void*, std::size_t bytes) {
  if (bytes > 0) std::memset(host, 0, bytes);
}

void DryBackend::synchronize() {}

std::size_t DryBackend::conv_workspace_bytes(const ConvSpec& spec, ConvPass pass) {
  check_spec(spec);
  return like_ != nullptr ? like_->conv_workspace_bytes(spec, pass) : 0;
}

void DryBackend::conv_forward(const ConvSpec& spec, const float*, const float*, float*, Workspace) {
  check_spec(spec);
  record(calls::conv(spec, ConvPass::forward));
}

void DryBackend::conv_backward_data(const ConvSpec& spec, const float*, const float*, float*, Workspace) {
  check_spec(spec);
  record(calls::conv(spec, ConvPass::backward_data));
}

void DryBackend::conv_backward_weights(const ConvSpec& spec, const float*, const float*, float*, Workspace) {
  check_spec(spec);
  record(calls::conv(spec, ConvPass::backward_weights));
}

std::size_t DryBackend::batch_norm_workspace_bytes(const BatchNormSpec& spec) const {
  return like_ != nullptr ? like_->batch_norm_workspace_bytes(spec) : 0;
}

void DryBackend::batch_norm_statistics(const BatchNormSpec& spec, const float*, const float*, const float*,
                                       float*, float*, BatchNormSaved, Workspace) {
  record(calls::batch_norm_statistics(spec));
}

void DryBackend::batch_norm_backward(const BatchNormSpec& spec, const float*, const float*, BatchNormSaved,
                                     float*, float*, float*, Workspace) {
  record(calls::batch_norm_backward(spec));
}

void DryBackend::batch_norm_inference(const BatchNormSpec& spec, const float*, const float*, const float*,
                                      const float*, BatchNormSaved) {
  record(calls::batch_norm_inference(spec));
}

std::size_t DryBackend::conv_norm_workspace_bytes(const ConvNormSpec& spec, Direction direction) {
  check_spec(spec.conv);
  return like_ != nullptr ? like_->conv_norm_workspace_bytes(spec, direction)
                          : Backend::conv_norm_workspace_bytes(spec, direction);
}

// The fused passes are recorded as the primitives they stand for, so that the list of problems is complete.
void DryBackend::conv_norm_forward(const ConvNormSpec& spec, const ConvNormForward&, Workspace) {
  check_spec(spec.conv);
  if (spec.normalises_input) record(calls::affine_sum(input_sum(spec.conv), 1));
  record(calls::conv(spec.conv, ConvPass::forward));
  record(calls::batch_norm_statistics(spec.norm()));
}

void DryBackend::conv_norm_backward(const ConvNormSpec& spec, const ConvNormBackward& operands, Workspace) {
  check_spec(spec.conv);
  if (spec.normalises_input) record(calls::affine_sum(input_sum(spec.conv), 1));
  record(calls::batch_norm_backward(spec.norm()));
  record(calls::conv(spec.conv, ConvPass::backward_weights));
  if (operands.dx == nullptr) return;
  record(calls::conv(spec.conv, ConvPass::backward_data));
  record(calls::activation_backward(spec.conv.in_count(), operands.store));
}

void DryBackend::affine_sum(const AffineSumSpec& spec, float* sum, float* activated) {
  record(calls::affine_sum(spec, (sum != nullptr ? 1 : 0) + (activated != nullptr ? 1 : 0)));
}

void DryBackend::activation_backward(Activation, std::size_t count, const float*, const float*, float*,
                                     Store store) {
  record(calls::activation_backward(count, store));
}

void DryBackend::add(std::size_t count, const float*, float*, Store store) {
  record(calls::add(count, store));
}

void DryBackend::fill(std::size_t count, float, float*) {
  record(calls::fill(count));
}

void DryBackend::scale_rows(const RowScaleSpec& spec, const float*, const float*, float*, Store store) {
  check_spec(spec);
  record(calls::scale_rows(spec, store));
}

void DryBackend::copy_channels(const ChannelCopySpec& spec, const float*, float*, Store store) {
  check_spec(spec);
  record(calls::copy_channels(spec, store));
}

void DryBackend::subsample_forward(const SubsampleSpec& spec, const float*, float*) {
  check_spec(spec);
  record(calls::subsample_forward(spec));
}

void DryBackend::subsample_backward(const SubsampleSpec& spec, const float*, float*, Store store) {
  check_spec(spec);
  record(calls::subsample_backward(spec, store));
}

void DryBackend::avg_pool_forward(const PoolSpec& spec, const float*, float*) {
  check_spec(spec);
  record(calls::avg_pool_forward(spec));
}

void DryBackend::avg_pool_backward(const PoolSpec& spec, const float*, float*, Store store) {
  check_spec(spec);
  record(calls::avg_pool_backward(spec, store));
}

void DryBackend::max_pool_forward(const PoolSpec& spec, const float*, float*, std::uint8_t*) {
  check_spec(spec);
  record(calls::max_pool_forward(spec));
}

void DryBackend::max_pool_backward(const PoolSpec& spec, const std::uint8_t*, const float*, float*,
                                   Store store) {
  check_spec(spec);
  record(calls::max_pool_backward(spec, store));
}

void DryBackend::global_avg_pool_forward(int batch, int pixels, int channels, const float*, float*) {
  record(calls::global_avg_pool("global_avg_pool_forward", batch, pixels, channels));
}

void DryBackend::global_avg_pool_backward(int batch, int pixels, int channels, const float*, float*) {
  record(calls::global_avg_pool("global_avg_pool_backward", batch, pixels, channels));
}

void DryBackend::linear_forward(const LinearSpec& spec, const float*, const float*, const float*, float*) {
  record(calls::linear("linear_forward", spec));
}

void DryBackend::linear_backward_data(const LinearSpec& spec, const float*, const float*, float*) {
  record(calls::linear("linear_backward_data", spec));
}

void DryBackend::linear_backward_weights(const LinearSpec& spec, const float*, const float*, float*, float*) {
  record(calls::linear("linear_backward_weights", spec));
}

void DryBackend::cross_entropy(const CrossEntropySpec& spec, const float*, const std::int32_t*, float*,
                               LossSums*) {
  record(calls::cross_entropy(spec));
}

std::size_t DryBackend::gradient_norm_workspace_bytes(int block_count) const {
  return like_ != nullptr ? like_->gradient_norm_workspace_bytes(block_count) : 0;
}

void DryBackend::gradient_norm(const SegmentBlock*, int block_count, const SegmentState*, const float*, float,
                               GradientNorm*, Workspace) {
  record(calls::gradient_norm(block_count, calls::SgdElements::of_full_blocks(block_count).sampled));
}

void DryBackend::sgd_step(const SgdSpec&, const SegmentBlock*, int block_count, const SegmentState*,
                          const float*, float*, float*) {
  // Blocks and states may live in this backend's memory, which must not be read: counted as full and sampled.
  record(calls::sgd_step(block_count, calls::SgdElements::of_full_blocks(block_count)));
}

std::size_t DryBackend::angle_sums_workspace_bytes(int block_count) const {
  return like_ != nullptr ? like_->angle_sums_workspace_bytes(block_count) : 0;
}

void DryBackend::angle_sums(const SegmentBlock*, int block_count, int, const float*, const float*, AngleSums*,
                            Workspace) {
  record(calls::angle_sums(block_count, calls::SgdElements::of_full_blocks(block_count).sampled));
}

void DryBackend::augment_images(const AugmentSpec& spec, const std::uint8_t*, const AugmentParams*, float*) {
  record(calls::augment_images(spec));
}

}  // namespace rlnas
