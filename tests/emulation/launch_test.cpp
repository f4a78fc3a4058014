// Own kernels that are no primitive of the backend (casts, the order of filters), and what the cases of all
// backends leave out of the others: ties, not-a-number. Under all schedules.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/cuda/cast.cuh"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/filter_layout.cuh"
#include "tests/emulation/array.h"

namespace rlnas::test {
TEST_CASE("bfloat16: every value comes back, and floats round to the nearest, ties to even") {
  under_all_schedules([] {
    for (const std::size_t skip : {0, 1}) {
      Array<Bf16> every(65536, skip), again(65536, skip);
      Array<float> wide(65536, skip);
      for (std::size_t i = 0; i < 65536; ++i) every[i].bits = std::uint16_t(i);
      launch_to_float(65536, every.data(), wide.data(), nullptr);
      launch_to_bf16(65536, wide.data(), again.data(), nullptr);
      for (std::size_t i = 0; i < 65536; ++i) {
        if (std::isnan(wide[i]))
          CHECK((again[i].bits & 0x7FFF) > 0x7F80);
        else
          CHECK(again[i].bits == i);
      }
    }
    const struct {
      float value;
      unsigned bits;
    } rounded[] = {{1.0f, 0x3F80},
                   {0x1.01p0f, 0x3F80},  // half way: to even, down
                   {0x1.03p0f, 0x3F82},  // half way: to even, up
                   {0x1.010002p0f, 0x3F81},
                   {std::numeric_limits<float>::max(), 0x7F80},
                   {-std::numeric_limits<float>::infinity(), 0xFF80}};
    for (const auto& [value, bits] : rounded) {
      Array<float> x(11);
      Array<Bf16> y(11);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = value;
      launch_to_bf16(x.size(), x.data(), y.data(), nullptr);
      for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i].bits == bits);
    }
  });
}

TEST_CASE("filters go from KRSC to OIHW") {
  const ConvSpec spec{.in_channels = 6, .out_channels = 5, .kernel = 3, .groups = 2};
  under_all_schedules([&] {
    Array<float> krsc(spec.weight_count()), oihw(spec.weight_count());
    Array<Bf16> krsc_bf16(spec.weight_count());
    for (std::size_t i = 0; i < krsc.size(); ++i) {
      krsc[i] = float(i);
      krsc_bf16[i] = to_bf16(float(i));
    }
    constexpr std::size_t kChannels = 3, kTaps = 9;
    const auto check = [&] {
      for (std::size_t k = 0; k < 5; ++k)
        for (std::size_t c = 0; c < kChannels; ++c)
          for (std::size_t tap = 0; tap < kTaps; ++tap)
            CHECK(oihw[(k * kChannels + c) * kTaps + tap] == float((k * kTaps + tap) * kChannels + c));
    };
    launch_krsc_to_oihw(spec, krsc.data(), oihw.data(), nullptr);
    check();
    std::fill_n(oihw.data(), oihw.size(), 0.0f);
    launch_krsc_to_oihw(spec, krsc_bf16.data(), oihw.data(), nullptr);
    check();
  });
}

TEST_CASE("loss: the first of equal logits counts, NaN and a label out of range make it NaN") {
  CudaBackend cuda{CudaOptions{}};
  const auto ref = make_ref_backend();
  under_all_schedules([&] {
    const CrossEntropySpec spec{.batch = 200, .classes = 70, .label_smoothing = 0.1f};
    const std::size_t count = std::size_t(spec.batch) * std::size_t(spec.classes);
    RandomStream random(5, "ties");
    Array<float> logits(count), dlogits(count), expected_dlogits(count);
    for (std::size_t i = 0; i < count; ++i) logits[i] = float(random.below(4));
    Array<std::int32_t> labels(std::size_t(spec.batch));
    // Half of the labels are the first winner of their row, the others a later one.
    for (std::size_t n = 0; n < labels.size(); ++n) {
      const float* const row = logits.data() + n * std::size_t(spec.classes);
      const float* winner = std::max_element(row, row + spec.classes);
      if (n % 2 == 1) winner = std::find(winner + 1, row + spec.classes, *winner);
      labels[n] = std::int32_t(winner - row) % spec.classes;
    }
    Array<LossSums> sums(1), expected(1);
    cuda.run(CrossEntropy{.spec = spec,
                          .logits = logits.data(),
                          .labels = labels.data(),
                          .dlogits = dlogits.data(),
                          .sums = sums.data()});
    ref->run(CrossEntropy{.spec = spec,
                          .logits = logits.data(),
                          .labels = labels.data(),
                          .dlogits = expected_dlogits.data(),
                          .sums = expected.data()});
    CHECK(sums[0].correct == expected[0].correct);
    CHECK(sums[0].correct >= spec.batch / 2);
    CHECK(sums[0].loss == doctest::Approx(expected[0].loss).epsilon(1e-7));

    for (const std::int32_t bad : {-1, spec.classes}) {
      labels[7] = bad;
      cuda.run(CrossEntropy{.spec = spec,
                            .logits = logits.data(),
                            .labels = labels.data(),
                            .dlogits = dlogits.data(),
                            .sums = sums.data()});
      CHECK(std::isnan(sums[0].loss));
      CHECK(std::isnan(dlogits[7 * std::size_t(spec.classes)]));
      CHECK(!std::isnan(dlogits[8 * std::size_t(spec.classes)]));
    }
    labels[7] = 0;
    logits[500] = kNan;
    cuda.run(
        CrossEntropy{.spec = spec, .logits = logits.data(), .labels = labels.data(), .sums = sums.data()});
    CHECK(std::isnan(sums[0].loss));
  });
}

TEST_CASE("not-a-number goes through element-wise sums, maxima and statistics") {
  CudaBackend cuda{CudaOptions{}};
  under_all_schedules([&] {
    Array<float> x(64), y(64), saved(64), running(32), scratch(4096);
    std::fill_n(x.data(), x.size(), kNan);
    AffineSumSpec sum;
    sum.rows = 4;
    sum.channels = 16;
    sum.term_count = 1;
    sum.terms[0].x = x.data();
    for (const Activation activation : {Activation::none, Activation::relu, Activation::relu6}) {
      sum.activation = activation;
      cuda.run(AffineSum{.spec = sum, .activated = y.data()});
      for (std::size_t i = 0; i < y.size(); ++i) CHECK(std::isnan(y[i]));
    }
    Array<std::uint8_t> index(64);
    cuda.run(
        MaxPoolForward{.spec = {1, 16, 2, 2, 3, 1, 1}, .x = x.data(), .y = y.data(), .index = index.data()});
    CHECK(std::isnan(y[63]));
    cuda.run(BatchNormStatistics{.spec = {.rows = 4, .channels = 16},
                                 .x = x.data(),
                                 .running_mean = running.data(),
                                 .running_var = running.data() + 16,
                                 .saved = BatchNormSaved::at(saved.data(), 16)},
             scratch.workspace());
    for (std::size_t i = 0; i < saved.size(); ++i) CHECK(std::isnan(saved[i]));
  });
}

}  // namespace rlnas::test
