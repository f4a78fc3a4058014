#include "kernels/dry/dry_backend.h"

#include <sys/mman.h>

#include <cstring>
#include <sstream>
#include <utility>

#include "kernels/dry/dry_backend_class.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

constexpr std::uint64_t kFloat = sizeof(float);

// "[64,32,32,16]"
template <class... Sizes>
std::string shape_of(const Sizes&... sizes) {
  std::ostringstream text;
  const char* separator = "[";
  ((text << separator << sizes, separator = ","), ...);
  text << "]";
  return text.str();
}

std::string shape_of(const PoolSpec& s) {
  std::ostringstream text;
  text << shape_of(s.batch, s.in_height, s.in_width, s.channels) << " " << s.kernel << "x" << s.kernel << " s"
       << s.stride;
  return text.str();
}

std::string shape_of(const ConvSpec& s) {
  std::ostringstream text;
  text << shape_of(s.batch, s.in_height, s.in_width, s.in_channels) << " " << s.kernel << "x" << s.kernel
       << " s" << s.stride;
  if (s.dilation > 1) text << " d" << s.dilation;
  if (s.groups > 1) text << " g" << s.groups;
  text << " -> " << s.out_channels;
  return text.str();
}

std::string shape_of(const LinearSpec& s) {
  return shape_of(s.batch, s.in_features) + " -> " + std::to_string(s.out_features);
}

struct LinearCost {
  explicit LinearCost(const LinearSpec& spec) {
    const std::uint64_t n = std::uint64_t(spec.batch), in = std::uint64_t(spec.in_features),
                        out = std::uint64_t(spec.out_features);
    flops = 2 * n * in * out;
    bytes = (n * in + n * out + in * out) * kFloat;
  }
  std::uint64_t flops, bytes;
};

}  // namespace

std::unique_ptr<Backend> make_dry_backend(std::vector<RecordedCall>* calls, Backend* like) {
  return std::make_unique<DryBackend>(calls, like);
}

DryBackend::~DryBackend() {
  for (const auto& [memory, bytes] : reserved_) munmap(memory, bytes);
}

void DryBackend::record(const char* primitive, std::string shape, std::uint64_t flops, std::uint64_t bytes) {
  if (calls_ != nullptr) calls_->push_back({primitive, std::move(shape), flops, bytes, std::nullopt});
}

void DryBackend::record_conv(const char* primitive, const ConvSpec& spec) {
  check_spec(spec);
  if (calls_ == nullptr) return;
  const std::uint64_t operands = spec.in_count() + spec.out_count() + spec.weight_count();
  calls_->push_back({primitive, shape_of(spec), 2 * spec.macs(), operands * kFloat, spec});
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
  record_conv("conv_forward", spec);
}

void DryBackend::conv_backward_data(const ConvSpec& spec, const float*, const float*, float*, Workspace) {
  record_conv("conv_backward_data", spec);
}

void DryBackend::conv_backward_weights(const ConvSpec& spec, const float*, const float*, float*, Workspace) {
  record_conv("conv_backward_weights", spec);
}

std::size_t DryBackend::batch_norm_workspace_bytes(const BatchNormSpec& spec) const {
  return like_ != nullptr ? like_->batch_norm_workspace_bytes(spec) : 0;
}

void DryBackend::batch_norm_statistics(const BatchNormSpec& spec, const float*, const float*, const float*,
                                       float*, float*, BatchNormSaved, Workspace) {
  record("batch_norm_statistics", shape_of(spec.rows, spec.channels), 4 * spec.count(),
         spec.count() * kFloat);
}

void DryBackend::batch_norm_backward(const BatchNormSpec& spec, const float*, const float*, BatchNormSaved,
                                     float*, float*, float*, Workspace) {
  record("batch_norm_backward", shape_of(spec.rows, spec.channels), 9 * spec.count(),
         3 * spec.count() * kFloat);
}

void DryBackend::batch_norm_inference(const BatchNormSpec& spec, const float*, const float*, const float*,
                                      const float*, BatchNormSaved) {
  const std::uint64_t channels = std::uint64_t(spec.channels);
  record("batch_norm_inference", shape_of(spec.channels), 5 * channels, 8 * channels * kFloat);
}

// The fused passes themselves are recorded as the primitives the default runs.
std::size_t DryBackend::conv_norm_workspace_bytes(const ConvNormSpec& spec, Direction direction) {
  check_spec(spec.conv);
  return like_ != nullptr ? like_->conv_norm_workspace_bytes(spec, direction)
                          : Backend::conv_norm_workspace_bytes(spec, direction);
}

void DryBackend::affine_sum(const AffineSumSpec& spec, float* sum, float* activated) {
  const std::uint64_t count = std::uint64_t(spec.rows) * std::uint64_t(spec.channels);
  const std::uint64_t terms = std::uint64_t(spec.term_count);
  const std::uint64_t outputs = (sum != nullptr ? 1u : 0u) + (activated != nullptr ? 1u : 0u);
  std::uint64_t additions = 0;
  for (int t = 0; t < spec.term_count; ++t) additions += spec.terms[std::size_t(t)].averaged ? 9 : 2;
  record("affine_sum", shape_of(spec.rows, spec.channels) + " x" + std::to_string(spec.term_count),
         additions * count, (terms + outputs) * count * kFloat);
}

void DryBackend::activation_backward(Activation, std::size_t count, const float*, const float*, float*,
                                     Store store) {
  const std::uint64_t accesses = store == Store::accumulate ? 4 : 3;
  record("activation_backward", shape_of(count), count, accesses * count * kFloat);
}

void DryBackend::add(std::size_t count, const float*, float*, Store store) {
  const std::uint64_t accesses = store == Store::accumulate ? 3 : 2;
  record("add", shape_of(count), store == Store::accumulate ? count : 0, accesses * count * kFloat);
}

void DryBackend::fill(std::size_t count, float, float*) {
  record("fill", shape_of(count), 0, count * kFloat);
}

void DryBackend::avg_pool_forward(const PoolSpec& spec, const float*, float*) {
  check_spec(spec);
  record("avg_pool_forward", shape_of(spec), spec.out_count() * std::uint64_t(spec.kernel * spec.kernel),
         (spec.in_count() + spec.out_count()) * kFloat);
}

void DryBackend::avg_pool_backward(const PoolSpec& spec, const float*, float*, Store store) {
  check_spec(spec);
  const std::uint64_t accesses = store == Store::accumulate ? 2 : 1;
  record("avg_pool_backward", shape_of(spec), spec.out_count() * std::uint64_t(spec.kernel * spec.kernel),
         (accesses * spec.in_count() + spec.out_count()) * kFloat);
}

void DryBackend::max_pool_forward(const PoolSpec& spec, const float*, float*, std::uint8_t*) {
  check_spec(spec);
  record("max_pool_forward", shape_of(spec), spec.out_count() * std::uint64_t(spec.kernel * spec.kernel),
         (spec.in_count() + spec.out_count()) * kFloat + spec.out_count());
}

void DryBackend::max_pool_backward(const PoolSpec& spec, const std::uint8_t*, const float*, float*,
                                   Store store) {
  check_spec(spec);
  const std::uint64_t accesses = store == Store::accumulate ? 2 : 1;
  record("max_pool_backward", shape_of(spec), spec.out_count(),
         (accesses * spec.in_count() + spec.out_count()) * kFloat + spec.out_count());
}

void DryBackend::global_avg_pool_forward(int batch, int pixels, int channels, const float*, float*) {
  const std::uint64_t out = std::uint64_t(batch) * std::uint64_t(channels), in = out * std::uint64_t(pixels);
  record("global_avg_pool_forward", shape_of(batch, pixels, channels), in, (in + out) * kFloat);
}

void DryBackend::global_avg_pool_backward(int batch, int pixels, int channels, const float*, float*) {
  const std::uint64_t out = std::uint64_t(batch) * std::uint64_t(channels), in = out * std::uint64_t(pixels);
  record("global_avg_pool_backward", shape_of(batch, pixels, channels), in, (in + out) * kFloat);
}

void DryBackend::linear_forward(const LinearSpec& spec, const float*, const float*, const float*, float*) {
  record("linear_forward", shape_of(spec), LinearCost(spec).flops, LinearCost(spec).bytes);
}

void DryBackend::linear_backward_data(const LinearSpec& spec, const float*, const float*, float*) {
  record("linear_backward_data", shape_of(spec), LinearCost(spec).flops, LinearCost(spec).bytes);
}

void DryBackend::linear_backward_weights(const LinearSpec& spec, const float*, const float*, float*, float*) {
  record("linear_backward_weights", shape_of(spec), LinearCost(spec).flops, LinearCost(spec).bytes);
}

void DryBackend::cross_entropy(const CrossEntropySpec& spec, const float*, const std::int32_t*, float*,
                               LossSums*) {
  const std::uint64_t count = std::uint64_t(spec.batch) * std::uint64_t(spec.classes);
  record("cross_entropy", shape_of(spec.batch, spec.classes), 6 * count, 2 * count * kFloat);
}

void DryBackend::sgd_step(const SgdSpec&, const SegmentBlock*, int block_count, const SegmentState*,
                          const float*, float*, float*) {
  // Blocks and states may live in this backend's memory, which must not be read: counted as full and sampled.
  const std::uint64_t count = std::uint64_t(block_count) * std::uint64_t(SegmentBlock::kBlockElements);
  record("sgd_step", shape_of(block_count) + " blocks", 7 * count, 5 * count * kFloat);
}

std::size_t DryBackend::angle_sums_workspace_bytes(int block_count) const {
  return like_ != nullptr ? like_->angle_sums_workspace_bytes(block_count) : 0;
}

void DryBackend::angle_sums(const SegmentBlock*, int block_count, int, const float*, const float*, AngleSums*,
                            Workspace) {
  const std::uint64_t count = std::uint64_t(block_count) * std::uint64_t(SegmentBlock::kBlockElements);
  record("angle_sums", shape_of(block_count) + " blocks", 6 * count, 2 * count * kFloat);
}

void DryBackend::augment_images(const AugmentSpec& spec, const std::uint8_t*, const AugmentParams*, float*) {
  const std::uint64_t count = std::uint64_t(spec.batch) * std::uint64_t(spec.height) *
                              std::uint64_t(spec.width) * std::uint64_t(AugmentSpec::kChannels);
  record("augment_images", shape_of(spec.batch, spec.height, spec.width, AugmentSpec::kChannels), 2 * count,
         count * (1 + kFloat));
}

}  // namespace rlnas
