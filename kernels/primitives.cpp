// What each primitive costs on paper.
#include "rlnas/primitives.hpp"

#include <utility>

#include "rlnas/recorded_call.hpp"

namespace rlnas {
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

// Arrays a kernel touches to write its output: the sum is read back when it accumulates.
std::uint64_t output_passes(Store store) {
  return store == Store::accumulate ? 2 : 1;
}

std::uint64_t taps(const PoolSpec& spec) {
  return std::uint64_t(spec.kernel) * std::uint64_t(spec.kernel);
}

const char* name_of(ConvPass pass) {
  switch (pass) {
    case ConvPass::forward:
      return ConvForward::kName;
    case ConvPass::backward_data:
      return ConvBackwardData::kName;
    case ConvPass::backward_weights:
      break;
  }
  return ConvBackwardWeights::kName;
}

// Of a global pooling pass.
template <class Pool>
RecordedCall cost_of_global(const Pool& call, Element element) {
  const std::uint64_t out = std::uint64_t(call.batch) * std::uint64_t(call.channels);
  const std::uint64_t in = out * std::uint64_t(call.pixels);
  return make(Pool::kName, shape_of(call.batch, call.pixels, call.channels), in,
              in * size_of(element) + out * kFloat);
}

template <class Linear>
RecordedCall cost_of_linear(const Linear& call) {
  const LinearSpec& spec = call.spec;
  const std::uint64_t n = std::uint64_t(spec.batch), in = std::uint64_t(spec.in_features),
                      out = std::uint64_t(spec.out_features);
  return make(Linear::kName,
              shape_of(spec.batch, spec.in_features) + " -> " + std::to_string(spec.out_features),
              2 * n * in * out, (n * in + n * out + in * out) * kFloat);
}

std::string blocks_of(int block_count) {
  return shape_of(block_count) + " blocks";
}

// What one assumes who cannot read the table.
BufferElements full_blocks(int block_count) {
  return {.sampled = std::uint64_t(block_count) * std::uint64_t(SegmentBlock::kBlockElements)};
}

std::uint64_t input_flops(const ConvNormSpec& spec) {
  return spec.normalises_input ? 2 * spec.conv.in_count() : 0;
}

}  // namespace

RecordedCall cost_of_copy(const char* name, std::size_t bytes) {
  return make(name, shape_of(bytes) + " bytes", 0, 2 * bytes);
}

RecordedCall cost_of_conv(const ConvSpec& spec, ConvPass pass, Element element) {
  const std::uint64_t values = spec.in_count() + spec.out_count();
  return {name_of(pass),
          shape_of(spec),
          2 * spec.macs(),
          values * size_of(element) + spec.weight_count() * kFloat,
          spec,
          pass};
}

void refuse_element(Element given) {
  throw Error(ErrorCode::run_failed, given == Element::bf16
                                         ? "values are stored as bf16 where floats are wanted"
                                         : "values are stored as floats where bf16 is wanted");
}

RecordedCall ConvForward::cost() const {
  return cost_of_conv(spec, kPass, x.element());
}

RecordedCall ConvBackwardData::cost() const {
  return cost_of_conv(spec, kPass, dy.element());
}

RecordedCall ConvBackwardWeights::cost() const {
  return cost_of_conv(spec, kPass, x.element());
}

RecordedCall BatchNormStatistics::cost() const {
  return make(kName, spec, 4 * spec.count(), spec.count() * size_of(x.element()));
}

RecordedCall BatchNormBackward::cost() const {
  return make(kName, spec, 9 * spec.count(), 3 * spec.count() * size_of(x.element()));
}

RecordedCall BatchNormInference::cost() const {
  const std::uint64_t channels = std::uint64_t(spec.channels);
  return make(kName, shape_of(spec.channels), 5 * channels, 8 * channels * kFloat);
}

// The flops of the fused passes are those of the primitives they stand for, the bytes those of a pass that
// reads and writes each operand once.
RecordedCall ConvNormForward::cost() const {
  RecordedCall call = ConvForward{.spec = spec.conv, .x = x}.cost();
  call.primitive = kName;
  call.pass.reset();
  call.flops += BatchNormStatistics{.spec = spec.norm()}.cost().flops + input_flops(spec);
  return call;
}

RecordedCall ConvNormBackward::cost() const {
  const ConvSpec& c = spec.conv;
  // x, dw, and of the two on the output side dz
  RecordedCall call = ConvBackwardWeights{.spec = c, .x = x}.cost();
  call.primitive = kName;
  call.pass.reset();
  if (dw == nullptr) {
    call.flops -= 2 * c.macs();
    call.bytes -= c.weight_count() * kFloat;
  }
  call.flops += BatchNormBackward{.spec = spec.norm()}.cost().flops + input_flops(spec);
  call.bytes += c.out_count() * size_of(y.element());
  if (dx == nullptr) return call;
  call.flops += 2 * c.macs() + ActivationBackward{.count = c.in_count(), .store = store}.cost().flops;
  call.bytes += output_passes(store) * c.in_count() * size_of(x.element()) + c.weight_count() * kFloat;
  return call;
}

RecordedCall AffineSum::cost() const {
  const int outputs = (sum != nullptr ? 1 : 0) + (activated != nullptr ? 1 : 0);
  const std::uint64_t count = std::uint64_t(spec.rows) * std::uint64_t(spec.channels);
  const std::uint64_t arrays = std::uint64_t(spec.term_count) + std::uint64_t(outputs);
  std::uint64_t additions = 0;
  for (int t = 0; t < spec.term_count; ++t) additions += spec.terms[std::size_t(t)].averaged ? 9 : 2;
  return make(kName, shape_of(spec.rows, spec.channels) + " x" + std::to_string(spec.term_count),
              additions * count,
              arrays * count * size_of(sum != nullptr ? sum.element() : activated.element()));
}

RecordedCall ActivationBackward::cost() const {
  return make(kName, shape_of(count), count, (2 + output_passes(store)) * count * size_of(dx.element()));
}

RecordedCall Add::cost() const {
  return make(kName, shape_of(count), store == Store::accumulate ? count : 0,
              (1 + output_passes(store)) * count * size_of(y.element()));
}

RecordedCall Fill::cost() const {
  return make(kName, shape_of(count), 0, count * size_of(y.element()));
}

RecordedCall ScaleRows::cost() const {
  return make(kName, shape_of(spec.count()) + " in " + std::to_string(spec.rows) + " rows",
              (store == Store::accumulate ? 2 : 1) * spec.count(),
              (1 + output_passes(store)) * spec.count() * size_of(y.element()));
}

RecordedCall CopyChannels::cost() const {
  const std::uint64_t count = std::uint64_t(spec.rows) * std::uint64_t(spec.channels);
  return make(kName,
              shape_of(spec.rows, spec.channels) + " of " + std::to_string(spec.from_stride) + " -> " +
                  std::to_string(spec.to_stride),
              store == Store::accumulate ? count : 0,
              (1 + output_passes(store)) * count * size_of(y.element()));
}

RecordedCall ShuffleChannels::cost() const {
  return make(kName, shape_of(spec.rows, spec.channels) + " in " + std::to_string(spec.groups) + " groups",
              store == Store::accumulate ? spec.count() : 0,
              (1 + output_passes(store)) * spec.count() * size_of(y.element()));
}

RecordedCall ChannelDots::cost() const {
  const std::uint64_t count = std::uint64_t(rows) * std::uint64_t(channels);
  return make(kName, shape_of(rows, channels), 2 * count, 2 * count * size_of(x.element()));
}

RecordedCall SubsampleForward::cost() const {
  return make(kName, shape_of(spec), 0, 2 * spec.out_count() * size_of(x.element()));
}

RecordedCall SubsampleBackward::cost() const {
  const bool adds = store == Store::accumulate;
  const std::uint64_t written = adds ? 2 * spec.out_count() : spec.in_count();
  return make(kName, shape_of(spec), adds ? spec.out_count() : 0,
              (spec.out_count() + written) * size_of(dx.element()));
}

RecordedCall AvgPoolForward::cost() const {
  return make(kName, spec, spec.out_count() * taps(spec),
              (spec.in_count() + spec.out_count()) * size_of(x.element()));
}

RecordedCall AvgPoolBackward::cost() const {
  return make(kName, spec, spec.out_count() * taps(spec),
              (output_passes(store) * spec.in_count() + spec.out_count()) * size_of(dx.element()));
}

RecordedCall MaxPoolForward::cost() const {
  return make(kName, spec, spec.out_count() * taps(spec),
              (spec.in_count() + spec.out_count()) * size_of(x.element()) + spec.out_count());
}

RecordedCall MaxPoolBackward::cost() const {
  return make(
      kName, spec, spec.out_count(),
      (output_passes(store) * spec.in_count() + spec.out_count()) * size_of(dx.element()) + spec.out_count());
}

RecordedCall GlobalAvgPoolForward::cost() const {
  return cost_of_global(*this, x.element());
}

RecordedCall GlobalAvgPoolBackward::cost() const {
  return cost_of_global(*this, dx.element());
}

RecordedCall LinearForward::cost() const {
  return cost_of_linear(*this);
}

RecordedCall LinearBackwardData::cost() const {
  return cost_of_linear(*this);
}

RecordedCall LinearBackwardWeights::cost() const {
  return cost_of_linear(*this);
}

RecordedCall CrossEntropy::cost() const {
  const std::uint64_t count = std::uint64_t(spec.batch) * std::uint64_t(spec.classes);
  return make(kName, shape_of(spec.batch, spec.classes), 6 * count, 2 * count * kFloat);
}

RecordedCall AugmentImages::cost() const {
  const std::uint64_t count = std::uint64_t(spec.batch) * std::uint64_t(spec.height) *
                              std::uint64_t(spec.width) * std::uint64_t(AugmentSpec::kChannels);
  return make(kName, shape_of(spec.batch, spec.height, spec.width, AugmentSpec::kChannels), 2 * count,
              count * (1 + size_of(y.element())));
}

RecordedCall RoundWeights::cost() const {
  return make(kName, shape_of(count), 0, count * (kFloat + sizeof(Bf16)));
}

RecordedCall TakeGradientNorm::cost() const {
  return cost(full_blocks(block_count));
}

RecordedCall TakeGradientNorm::cost(const BufferElements& elements) const {
  return make(kName, blocks_of(block_count), 2 * elements.sampled, elements.sampled * kFloat);
}

RecordedCall SgdStep::cost() const {
  return cost(full_blocks(block_count));
}

RecordedCall SgdStep::cost(const BufferElements& elements) const {
  return make(kName, blocks_of(block_count), 7 * elements.sampled + 6 * elements.coasting,
              (5 * elements.sampled + 4 * elements.coasting) * kFloat);
}

RecordedCall TakeAngleSums::cost() const {
  return cost(full_blocks(block_count));
}

RecordedCall TakeAngleSums::cost(const BufferElements& elements) const {
  const std::uint64_t checkpoints = std::uint64_t(checkpoint_count);
  return make(
      kName, blocks_of(block_count) + (checkpoint_count == 1 ? "" : " x " + std::to_string(checkpoint_count)),
      (2 + 4 * checkpoints) * elements.sampled, (1 + checkpoints) * elements.sampled * kFloat);
}

}  // namespace rlnas
