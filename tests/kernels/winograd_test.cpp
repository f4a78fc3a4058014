// Winograd convolution against the double-precision reference, on guarded buffers of exactly the size asked
// for.
#include <doctest/doctest.h>

#include <cstring>

#include "kernels/cpu/winograd.h"
#include "tests/kernels/reference_conv.h"

namespace rlnas::test {
namespace {

// Even and odd sizes, images smaller than a tile, rows longer than a strip, channels that fill registers in
// every way.
const ConvSpec kSpecs[] = {{4, 16, 32, 32, 16, 3, 1, 1, 1, 1}, {3, 32, 16, 16, 32, 3, 1, 1, 1, 1},
                           {5, 64, 8, 8, 64, 3, 1, 1, 1, 1},   {1, 16, 1, 1, 16, 3, 1, 1, 1, 1},
                           {2, 16, 2, 3, 32, 3, 1, 1, 1, 1},   {3, 48, 7, 9, 16, 3, 1, 1, 1, 1},
                           {2, 16, 13, 33, 48, 3, 1, 1, 1, 1}, {1, 32, 6, 135, 16, 3, 1, 1, 1, 1},
                           {7, 80, 4, 5, 64, 3, 1, 1, 1, 1},   {2, 64, 11, 4, 96, 3, 1, 1, 1, 1}};

Floats run(const ConvSpec& spec, ConvPass pass, int images, const float* in, const float* w) {
  Guarded transformed(winograd_weight_bytes(spec) / sizeof(float));
  for (int part = 0; part < winograd_weight_parts(spec, pass); ++part)
    winograd_transform_weights(spec, pass, part, w, transformed.data());
  const bool forward = pass == ConvPass::forward;
  Guarded out((forward ? spec.out_count() : spec.in_count()) / std::size_t(spec.batch) * std::size_t(images));
  Guarded scratch(winograd_scratch_bytes(spec, pass, images) / sizeof(float));
  winograd_run(spec, pass, images, in, transformed.data(), out.data(), scratch.data());
  CHECK(transformed.intact());
  CHECK(out.intact());
  CHECK(scratch.intact());
  return out.contents();
}

// The batch in two pieces, as far as it has two images.
Floats weight_gradient(const ConvSpec& spec, const Floats& x, const Floats& dy) {
  constexpr ConvPass kPass = ConvPass::backward_weights;
  Guarded sums(winograd_weight_bytes(spec) / sizeof(float));
  std::memset(sums.data(), 0, winograd_weight_bytes(spec));
  const int first = (spec.batch + 1) / 2, second = spec.batch - first;
  const std::size_t x_image = spec.in_count() / std::size_t(spec.batch);
  const std::size_t dy_image = spec.out_count() / std::size_t(spec.batch);
  Guarded scratch(winograd_scratch_bytes(spec, kPass, first) / sizeof(float));
  winograd_accumulate(spec, first, x.data(), dy.data(), sums.data(), scratch.data());
  if (second > 0)
    winograd_accumulate(spec, second, x.data() + std::size_t(first) * x_image,
                        dy.data() + std::size_t(first) * dy_image, sums.data(), scratch.data());
  Guarded dw(spec.weight_count());
  for (int part = 0; part < winograd_weight_parts(spec, kPass); ++part)
    winograd_finish_weights(spec, part, sums.data(), dw.data());
  CHECK(sums.intact());
  CHECK(scratch.intact());
  CHECK(dw.intact());
  return dw.contents();
}

// About twice what was measured: 6e-6 and 9e-7 forward, 7e-6 and 1.6e-6 for weight gradients, where direct
// sums in float have 4e-6 and 4e-7, and 5e-6 and 6e-7.
void check_close(const char* what, const Floats& expected, const Floats& got) {
  CAPTURE(what);
  const Errors found = errors(expected, got);
  CHECK(found.largest < 1.5e-5);
  CHECK(found.rms < 3e-6);
}

}  // namespace

TEST_CASE("Winograd convolution equals the reference") {
  RandomStream random(11, "winograd");
  for (const ConvSpec& spec : kSpecs) {
    CAPTURE(spec.in_channels);
    CAPTURE(spec.out_channels);
    CAPTURE(spec.in_height);
    CAPTURE(spec.in_width);
    REQUIRE(winograd_supports(spec));
    const ReferenceConv ref(spec, random);
    check_close("y", ref.y, run(spec, ConvPass::forward, spec.batch, ref.x.data(), ref.w.data()));
    check_close("dx", ref.dx, run(spec, ConvPass::backward_data, spec.batch, ref.dy.data(), ref.w.data()));
    check_close("dw", ref.dw, weight_gradient(spec, ref.x, ref.dy));
  }
}

TEST_CASE("an image's Winograd convolution has the same bits in any company") {
  RandomStream random(12, "winograd");
  for (const ConvSpec& spec : kSpecs) {
    const Floats x = random_floats(random, spec.in_count()), w = random_floats(random, spec.weight_count());
    const Floats all = run(spec, ConvPass::forward, spec.batch, x.data(), w.data());
    const std::size_t x_image = x.size() / std::size_t(spec.batch);
    const std::size_t y_image = all.size() / std::size_t(spec.batch);
    for (std::size_t n = 0; n < std::size_t(spec.batch); ++n) {
      const Floats alone = run(spec, ConvPass::forward, 1, x.data() + n * x_image, w.data());
      CHECK(std::memcmp(alone.data(), all.data() + n * y_image, y_image * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("Winograd convolution is offered for what it can do") {
  CHECK(winograd_supports({1, 16, 5, 7, 32, 3, 1, 1, 1, 1}));
  CHECK_FALSE(winograd_supports({1, 8, 5, 7, 32, 3, 1, 1, 1, 1}));
  CHECK_FALSE(winograd_supports({1, 16, 5, 7, 24, 3, 1, 1, 1, 1}));
  CHECK_FALSE(winograd_supports({1, 16, 5, 7, 16, 1, 1, 0, 1, 1}));
  CHECK_FALSE(winograd_supports({1, 16, 5, 7, 16, 3, 2, 1, 1, 1}));
  CHECK_FALSE(winograd_supports({1, 16, 5, 7, 16, 3, 1, 0, 1, 1}));
  CHECK_FALSE(winograd_supports({1, 16, 5, 7, 16, 3, 1, 2, 2, 1}));
  CHECK_FALSE(winograd_supports({1, 32, 5, 7, 32, 3, 1, 1, 1, 2}));
}

}  // namespace rlnas::test
