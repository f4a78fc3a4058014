// Every depthwise kernel against the double-precision reference, on guarded buffers of exactly the size asked
// for: the engine leaves some of them to oneDNN.
#include <doctest/doctest.h>

#include "kernels/cpu/depthwise_conv.h"
#include "tests/kernels/reference_conv.h"

namespace rlnas::test {
namespace {

ConvSpec depthwise(int batch, int channels, int height, int width, int kernel, int stride, int dilation) {
  return {batch,    channels, height, width, channels, kernel, stride, dilation * (kernel - 1) / 2,
          dilation, channels};
}

// Images smaller than the filter, one pixel, odd sizes, several tiles and strips; channels of one vector, of
// several and of parts of them; a batch of more than one copy of the weight gradient; and images that are
// done strip by strip, at stride 2 too, in tiles of seven and of eight.
std::vector<ConvSpec> specs() {
  std::vector<ConvSpec> all;
  for (const int kernel : {3, 5, 7})
    for (const int stride : {1, 2})
      for (const int dilation : {1, 2}) {
        all.push_back(depthwise(3, 5, 1, 1, kernel, stride, dilation));
        all.push_back(depthwise(2, 16, 2, 5, kernel, stride, dilation));
        all.push_back(depthwise(5, 40, 7, 8, kernel, stride, dilation));
        all.push_back(depthwise(2, 19, 33, 21, kernel, stride, dilation));
        all.push_back(depthwise(70, 16, 9, 6, kernel, stride, dilation));
        all.push_back(depthwise(1, 42, 113, 119, kernel, stride, dilation));
      }
  all.push_back(depthwise(1, 42, 60, 56, 5, 1, 1));
  return all;
}

Floats run(const ChunkedConv& conv, const Floats& x, const Floats& w, const Floats& dy) {
  const ConvSpec& spec = conv.spec;
  const std::size_t x_image = x.size() / std::size_t(spec.batch),
                    y_image = dy.size() / std::size_t(spec.batch);
  const bool to_weights = conv.pass == ConvPass::backward_weights, forward = conv.pass == ConvPass::forward;
  Guarded out(to_weights ? w.size() : forward ? dy.size() : x.size());
  Guarded copies(conv.copies_bytes() / sizeof(float)), scratch(conv.scratch_bytes / sizeof(float));
  if (!to_weights)
    for (int part = 0; part < conv.weight_parts(); ++part) conv.load_weights(part, w.data(), copies.data());
  for (int unit = 0; unit < conv.units(); ++unit)
    for (int chunk = conv.unit_begin(unit); chunk < conv.unit_end(unit); ++chunk) {
      const std::size_t first = std::size_t(conv.chunks.first(chunk));
      const ChunkRun at{0, chunk, scratch.data()};
      void* const weights = conv.copy_of(copies.data(), unit);
      const float *const x_at = x.data() + first * x_image, *const dy_at = dy.data() + first * y_image;
      if (to_weights)
        conv.run_chunk(at, BackwardWeightsChunk{x_at, dy_at, weights});
      else if (forward)
        conv.run_chunk(at, ForwardChunk{x_at, weights, out.data() + first * y_image});
      else
        conv.run_chunk(at, BackwardDataChunk{dy_at, weights, out.data() + first * x_image});
    }
  if (to_weights) {
    const std::size_t count = conv.weights_bytes / sizeof(float);
    for (std::size_t i = count; i < count * std::size_t(conv.units()); ++i)
      copies.data()[i % count] += copies.data()[i];
    for (int part = 0; part < conv.weight_parts(); ++part)
      conv.store_weights(part, copies.data(), out.data());
  }
  CHECK(out.intact());
  CHECK(copies.intact());
  CHECK(scratch.intact());
  return out.contents();
}

}  // namespace

TEST_CASE("depthwise convolution equals the reference") {
  constexpr double kTolerance = 5e-6;
  RandomStream random(13, "depthwise");
  for (const ConvSpec& spec : specs()) {
    CAPTURE(spec.in_channels);
    CAPTURE(spec.in_height);
    CAPTURE(spec.kernel);
    CAPTURE(spec.stride);
    CAPTURE(spec.dilation);
    const ReferenceConv ref(spec, random);
    const auto check = [&](ConvPass pass, const Floats& expected) {
      CAPTURE(int(pass));
      const auto conv = make_depthwise_conv(spec, pass);
      REQUIRE(conv != nullptr);
      CHECK(errors(expected, run(*conv, ref.x, ref.w, ref.dy)).largest < kTolerance);
    };
    check(ConvPass::forward, ref.y);
    check(ConvPass::backward_data, ref.dx);
    check(ConvPass::backward_weights, ref.dw);
  }
}

TEST_CASE("depthwise convolution is offered for what it can do") {
  const auto offered = [](const ConvSpec& spec) {
    return make_depthwise_conv(spec, ConvPass::forward) != nullptr;
  };
  CHECK(offered({1, 24, 9, 9, 24, 5, 2, 4, 2, 24}));
  CHECK_FALSE(offered({1, 24, 9, 9, 48, 5, 2, 4, 2, 24}));
  CHECK_FALSE(offered({1, 24, 9, 9, 24, 5, 2, 4, 2, 12}));
  CHECK_FALSE(offered({1, 1, 9, 9, 1, 3, 1, 1, 1, 1}));
  CHECK_FALSE(offered({1, 24, 9, 9, 24, 5, 3, 2, 1, 24}));
  CHECK_FALSE(offered({1, 24, 9, 9, 24, 5, 1, 1, 1, 24}));
  CHECK_FALSE(offered({1, 24, 13, 13, 24, 5, 1, 6, 3, 24}));
  CHECK_FALSE(offered({1, 24, 9, 9, 24, 9, 1, 4, 1, 24}));
}

}  // namespace rlnas::test
