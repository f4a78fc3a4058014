// What a depthwise convolution sums of a tensor that it stores as bf16 is of the numbers as they are stored,
// which is what the norm beside it would sum. The case table is too coarse for that: what rounding takes from
// a sum it gives back elsewhere.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/philox.h"
#include "kernels/cuda/cuda_backend.h"

namespace rlnas::test {
namespace {

// 3x3 and 5x5, strided and not, of channels for packs and not.
constexpr ConvSpec kFilters[] = {{3, 24, 9, 11, 24, 3, 1, 1, 1, 24}, {2, 5, 12, 12, 5, 5, 2, 2, 1, 5}};

class Numbers {
 public:
  std::vector<float> floats(std::size_t count, float low, float high) {
    std::vector<float> values(count);
    for (float& value : values) value = low + (high - low) * float(random_.uniform());
    return values;
  }
  std::vector<Bf16> stored(std::size_t count, float low, float high) {
    std::vector<Bf16> values;
    for (const float value : floats(count, low, high)) values.push_back(bf16_of(value));
    return values;
  }

 private:
  RandomStream random_{5, "stored as bf16"};
};

template <class Call>
void run(CudaBackend& cuda, const Call& call) {
  std::vector<std::byte> scratch(cuda.workspace_bytes(call));
  cuda.run(call, {scratch.data(), scratch.size()});
}

void check_same(const float* got, const float* expected, std::size_t count) {
  double largest = 0.0, apart = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    largest = std::max(largest, std::abs(double(expected[i])));
    apart = std::max(apart, std::abs(double(expected[i]) - double(got[i])));
  }
  CHECK(largest > 0.0);
  CHECK(apart <= 3e-6 * largest);
}

}  // namespace

TEST_CASE("statistics beside a depthwise convolution are those of its output as stored in bf16") {
  CudaBackend cuda{CudaOptions{}};
  Numbers numbers;
  for (const ConvSpec& filter : kFilters) {
    CAPTURE(filter.in_channels);
    const std::size_t channels = std::size_t(filter.in_channels);
    const std::vector<Bf16> x = numbers.stored(filter.in_count(), 0.0f, 1.0f);
    const std::vector<float> w = numbers.floats(filter.weight_count(), 0.0f, 1.0f);
    std::vector<Bf16> y(filter.out_count());
    std::vector<float> running(2 * channels), beside(4 * channels), after(4 * channels);
    const auto saved = [&](std::vector<float>& of) {
      return BatchNormSaved::at(of.data(), filter.in_channels);
    };
    const ConvNormSpec spec{.conv = filter};
    run(cuda, ConvNormForward{.spec = spec,
                              .x = x.data(),
                              .w = w.data(),
                              .y = y.data(),
                              .running_mean = running.data(),
                              .running_var = running.data() + channels,
                              .saved = saved(beside)});
    run(cuda, BatchNormStatistics{.spec = spec.norm(),
                                  .x = y.data(),
                                  .running_mean = running.data(),
                                  .running_var = running.data() + channels,
                                  .saved = saved(after)});
    for (std::size_t part = 0; part < 4; ++part)
      check_same(beside.data() + part * channels, after.data() + part * channels, channels);
  }
}

TEST_CASE("what a depthwise convolution notes of its input's gradient is of that as stored in bf16") {
  CudaBackend cuda{CudaOptions{}};
  Numbers numbers;
  for (const ConvSpec& filter : kFilters) {
    CAPTURE(filter.in_channels);
    const std::size_t channels = std::size_t(filter.in_channels);
    const std::vector<Bf16> y = numbers.stored(filter.in_count(), -3, 3),
                            z = numbers.stored(filter.out_count(), -2, 2),
                            dz = numbers.stored(filter.out_count(), -1, 1.2f);
    const std::vector<float> w = numbers.floats(filter.weight_count(), -1, 1),
                             y_norm = numbers.floats(4 * channels, 0.3f, 0.9f),
                             z_norm = numbers.floats(4 * channels, 0.2f, 0.5f);
    std::vector<Bf16> dy(filter.in_count()), applied(filter.in_count());
    std::vector<float> dw(filter.weight_count()), dgamma(channels), dbeta(channels);
    ConvNormBackward call{.spec = {.conv = filter, .normalises_input = true},
                          .x = y.data(),
                          .x_norm = ConstBatchNormSaved::at(y_norm.data(), filter.in_channels),
                          .x_activation = Activation::relu6,
                          .w = w.data(),
                          .y = z.data(),
                          .saved = ConstBatchNormSaved::at(z_norm.data(), filter.in_channels),
                          .dz = dz.data(),
                          .dw = dw.data(),
                          .dx = dy.data()};
    std::vector<float> note(cuda.note_bytes(call) / sizeof(float));
    REQUIRE(note.size() == 4 * channels);  // slope, offset, dgamma, dbeta: BatchNormNote
    call.dx_note = note.data();
    run(cuda, call);
    run(cuda,
        BatchNormBackward{.spec = {.rows = int(filter.in_count() / channels), .channels = int(channels)},
                          .x = y.data(),
                          .dy = dy.data(),
                          .saved = call.x_norm,
                          .dx = applied.data(),
                          .dgamma = dgamma.data(),
                          .dbeta = dbeta.data()});
    check_same(note.data() + 2 * channels, dgamma.data(), channels);
    check_same(note.data() + 3 * channels, dbeta.data(), channels);
  }
}

}  // namespace rlnas::test
