#include "kernels/call_cost.h"

#include <utility>

namespace rlnas::calls {
namespace {

constexpr std::uint64_t kFloat = sizeof(float);

// "[64,32,32,16]"
template <class... Sizes>
std::string shape_of(const Sizes&... sizes) {
  std::string text;
  ((text += (text.empty() ? "[" : ",") + std::to_string(sizes)), ...);
  return text + "]";
}

std::string square(int size) {
  return std::to_string(size) + "x" + std::to_string(size);
}

std::string shape_of(const PoolSpec& s) {
  return shape_of(s.batch, s.in_height, s.in_width, s.channels) + " " + square(s.kernel) + " s" +
         std::to_string(s.stride);
}

std::string shape_of(const SubsampleSpec& s) {
  return shape_of(s.batch, s.in_height, s.in_width, s.channels) + " s" + std::to_string(s.stride) + " from " +
         std::to_string(s.offset);
}

std::string shape_of(const ConvSpec& s) {
  std::string text = shape_of(s.batch, s.in_height, s.in_width, s.in_channels) + " " + square(s.kernel) +
                     " s" + std::to_string(s.stride);
  if (s.dilation > 1) text += " d" + std::to_string(s.dilation);
  if (s.groups > 1) text += " g" + std::to_string(s.groups);
  return text + " -> " + std::to_string(s.out_channels);
}

RecordedCall make(const char* primitive, std::string shape, std::uint64_t flops, std::uint64_t bytes) {
  return {primitive, std::move(shape), flops, bytes};
}

RecordedCall make(const char* primitive, const PoolSpec& spec, std::uint64_t flops, std::uint64_t bytes) {
  RecordedCall call = make(primitive, shape_of(spec), flops, bytes);
  call.pool = spec;
  return call;
}

RecordedCall make(const char* primitive, const BatchNormSpec& spec, std::uint64_t flops,
                  std::uint64_t bytes) {
  RecordedCall call = make(primitive, shape_of(spec.rows, spec.channels), flops, bytes);
  call.norm = spec;
  return call;
}

const char* name_of(ConvPass pass) {
  switch (pass) {
    case ConvPass::forward:
      return "conv_forward";
    case ConvPass::backward_data:
      return "conv_backward_data";
    case ConvPass::backward_weights:
      break;
  }
  return "conv_backward_weights";
}

// Arrays a kernel touches to write its output: the sum is read back when it accumulates.
std::uint64_t output_passes(Store store) {
  return store == Store::accumulate ? 2 : 1;
}

std::uint64_t taps(const PoolSpec& spec) {
  return std::uint64_t(spec.kernel) * std::uint64_t(spec.kernel);
}

std::uint64_t input_flops(const ConvNormSpec& spec) {
  return spec.normalises_input ? 2 * spec.conv.in_count() : 0;
}

}  // namespace

RecordedCall copy(const char* primitive, std::size_t bytes) {
  return make(primitive, shape_of(bytes) + " bytes", 0, 2 * bytes);
}

RecordedCall conv(const ConvSpec& spec, ConvPass pass) {
  const std::uint64_t operands = spec.in_count() + spec.out_count() + spec.weight_count();
  return {name_of(pass), shape_of(spec), 2 * spec.macs(), operands * kFloat, spec, pass};
}

RecordedCall batch_norm_statistics(const BatchNormSpec& spec) {
  return make("batch_norm_statistics", spec, 4 * spec.count(), spec.count() * kFloat);
}

RecordedCall batch_norm_backward(const BatchNormSpec& spec) {
  return make("batch_norm_backward", spec, 9 * spec.count(), 3 * spec.count() * kFloat);
}

RecordedCall batch_norm_inference(const BatchNormSpec& spec) {
  const std::uint64_t channels = std::uint64_t(spec.channels);
  return make("batch_norm_inference", shape_of(spec.channels), 5 * channels, 8 * channels * kFloat);
}

RecordedCall conv_norm_forward(const ConvNormSpec& spec) {
  RecordedCall call = conv(spec.conv, ConvPass::forward);
  call.primitive = "conv_norm_forward";
  call.pass.reset();
  call.flops += batch_norm_statistics(spec.norm()).flops + input_flops(spec);
  return call;
}

RecordedCall conv_norm_backward(const ConvNormSpec& spec, const ConvNormBackward& operands) {
  const ConvSpec& c = spec.conv;
  RecordedCall call = conv(c, ConvPass::backward_weights);  // x, dw, and of the two on the output side dz
  call.primitive = "conv_norm_backward";
  call.pass.reset();
  call.flops += batch_norm_backward(spec.norm()).flops + input_flops(spec);
  call.bytes += c.out_count() * kFloat;  // y
  if (operands.dx == nullptr) return call;
  call.flops += 2 * c.macs() + activation_backward(c.in_count(), operands.store).flops;
  call.bytes += (output_passes(operands.store) * c.in_count() + c.weight_count()) * kFloat;
  return call;
}

RecordedCall affine_sum(const AffineSumSpec& spec, int outputs) {
  const std::uint64_t count = std::uint64_t(spec.rows) * std::uint64_t(spec.channels);
  const std::uint64_t arrays = std::uint64_t(spec.term_count) + std::uint64_t(outputs);
  std::uint64_t additions = 0;
  for (int t = 0; t < spec.term_count; ++t) additions += spec.terms[std::size_t(t)].averaged ? 9 : 2;
  return make("affine_sum", shape_of(spec.rows, spec.channels) + " x" + std::to_string(spec.term_count),
              additions * count, arrays * count * kFloat);
}

RecordedCall activation_backward(std::size_t count, Store store) {
  return make("activation_backward", shape_of(count), count, (2 + output_passes(store)) * count * kFloat);
}

RecordedCall add(std::size_t count, Store store) {
  return make("add", shape_of(count), store == Store::accumulate ? count : 0,
              (1 + output_passes(store)) * count * kFloat);
}

RecordedCall fill(std::size_t count) {
  return make("fill", shape_of(count), 0, count * kFloat);
}

RecordedCall scale_rows(const RowScaleSpec& spec, Store store) {
  return make("scale_rows", shape_of(spec.count()) + " in " + std::to_string(spec.rows) + " rows",
              (store == Store::accumulate ? 2 : 1) * spec.count(),
              (1 + output_passes(store)) * spec.count() * kFloat);
}

RecordedCall copy_channels(const ChannelCopySpec& spec, Store store) {
  const std::uint64_t count = std::uint64_t(spec.rows) * std::uint64_t(spec.channels);
  return make("copy_channels",
              shape_of(spec.rows, spec.channels) + " of " + std::to_string(spec.from_stride) + " -> " +
                  std::to_string(spec.to_stride),
              store == Store::accumulate ? count : 0, (1 + output_passes(store)) * count * kFloat);
}

RecordedCall subsample_forward(const SubsampleSpec& spec) {
  return make("subsample_forward", shape_of(spec), 0, 2 * spec.out_count() * kFloat);
}

RecordedCall subsample_backward(const SubsampleSpec& spec, Store store) {
  const bool adds = store == Store::accumulate;
  const std::uint64_t written = adds ? 2 * spec.out_count() : spec.in_count();
  return make("subsample_backward", shape_of(spec), adds ? spec.out_count() : 0,
              (spec.out_count() + written) * kFloat);
}

RecordedCall avg_pool_forward(const PoolSpec& spec) {
  return make("avg_pool_forward", spec, spec.out_count() * taps(spec),
              (spec.in_count() + spec.out_count()) * kFloat);
}

RecordedCall avg_pool_backward(const PoolSpec& spec, Store store) {
  return make("avg_pool_backward", spec, spec.out_count() * taps(spec),
              (output_passes(store) * spec.in_count() + spec.out_count()) * kFloat);
}

RecordedCall max_pool_forward(const PoolSpec& spec) {
  return make("max_pool_forward", spec, spec.out_count() * taps(spec),
              (spec.in_count() + spec.out_count()) * kFloat + spec.out_count());
}

RecordedCall max_pool_backward(const PoolSpec& spec, Store store) {
  return make("max_pool_backward", spec, spec.out_count(),
              (output_passes(store) * spec.in_count() + spec.out_count()) * kFloat + spec.out_count());
}

RecordedCall global_avg_pool(const char* primitive, int batch, int pixels, int channels) {
  const std::uint64_t out = std::uint64_t(batch) * std::uint64_t(channels), in = out * std::uint64_t(pixels);
  return make(primitive, shape_of(batch, pixels, channels), in, (in + out) * kFloat);
}

RecordedCall linear(const char* primitive, const LinearSpec& spec) {
  const std::uint64_t n = std::uint64_t(spec.batch), in = std::uint64_t(spec.in_features),
                      out = std::uint64_t(spec.out_features);
  return make(primitive, shape_of(spec.batch, spec.in_features) + " -> " + std::to_string(spec.out_features),
              2 * n * in * out, (n * in + n * out + in * out) * kFloat);
}

RecordedCall cross_entropy(const CrossEntropySpec& spec) {
  const std::uint64_t count = std::uint64_t(spec.batch) * std::uint64_t(spec.classes);
  return make("cross_entropy", shape_of(spec.batch, spec.classes), 6 * count, 2 * count * kFloat);
}

RecordedCall augment_images(const AugmentSpec& spec) {
  const std::uint64_t count = std::uint64_t(spec.batch) * std::uint64_t(spec.height) *
                              std::uint64_t(spec.width) * std::uint64_t(AugmentSpec::kChannels);
  return make("augment_images", shape_of(spec.batch, spec.height, spec.width, AugmentSpec::kChannels),
              2 * count, count * (1 + kFloat));
}

RecordedCall gradient_norm(int block_count, std::uint64_t elements) {
  return make("gradient_norm", shape_of(block_count) + " blocks", 2 * elements, elements * kFloat);
}

RecordedCall sgd_step(int block_count, const SgdElements& elements) {
  return make("sgd_step", shape_of(block_count) + " blocks", 7 * elements.sampled + 6 * elements.coasting,
              (5 * elements.sampled + 4 * elements.coasting) * kFloat);
}

RecordedCall angle_sums(int block_count, std::uint64_t elements) {
  return make("angle_sums", shape_of(block_count) + " blocks", 6 * elements, 2 * elements * kFloat);
}

}  // namespace rlnas::calls
