// Own kernels that are no primitive of the backend (yet): casts, random numbers, gradient clipping, angle
// sums of several checkpoints, of bfloat16 weights and with single-precision partial sums. Under all
// schedules.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/philox.h"
#include "kernels/cuda/angle_batch.h"
#include "kernels/cuda/cast.cuh"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/filter_layout.cuh"
#include "kernels/cuda/philox.h"
#include "kernels/cuda/sgd.cuh"
#include "tests/emulation/emulator.h"

namespace rlnas::test {
namespace {

constexpr std::align_val_t kAlignment{64};

// `count` elements in a block of memory of their own, `skip` elements past a 64-byte boundary, that a
// sanitizer watches from the first to the last.
template <class T>
class Array {
 public:
  explicit Array(std::size_t count, std::size_t skip = 0)
      : memory_(static_cast<T*>(operator new((count + skip) * sizeof(T) + (count + skip == 0), kAlignment))),
        data_(memory_ + skip),
        count_(count) {
    std::fill_n(data_, count, T{});
  }
  ~Array() { operator delete(memory_, kAlignment); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  T* data() { return data_; }
  T& operator[](std::size_t i) { return data_[i]; }
  std::size_t size() const { return count_; }
  Workspace workspace() { return {data_, count_ * sizeof(T)}; }

 private:
  T* memory_;
  T* data_;
  std::size_t count_;
};

void fill_random(Array<float>& values, const char* name, float low = -1.0f, float high = 1.0f) {
  RandomStream random(11, name);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = low + (high - low) * random.uniform();
}

template <class Body>
void under_all_schedules(const Body& body) {
  for (const emulation::Schedule schedule : emulation::kSchedules) {
    emulation::options().schedule = schedule;
    CAPTURE(int(schedule));
    body();
  }
}

// Segments of these sizes, each on a multiple of `alignment` elements.
struct Table {
  std::vector<SegmentBlock> blocks;
  int segments = 0;
  std::size_t count = 0;

  Table(const std::vector<std::int64_t>& sizes, std::size_t alignment) {
    for (const std::int64_t size : sizes) {
      for (std::int64_t done = 0; done < size; done += SegmentBlock::kBlockElements)
        blocks.push_back({std::int64_t(count) + done,
                          std::int32_t(std::min(size - done, SegmentBlock::kBlockElements)), segments});
      count += std::size_t(size) + (alignment - std::size_t(size) % alignment) % alignment;
      ++segments;
    }
  }
  int block_count() const { return int(blocks.size()); }
};

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

const std::vector<std::int64_t> kRagged = {0, 1, 3, 4, 5, 0, 31, 8191, 8192, 8193, 2, 100000, 0};

}  // namespace

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

TEST_CASE("philox on the device draws what the host's stream draws") {
  under_all_schedules([] {
    for (const std::size_t count : {0, 1, 3, 4, 5, 1023, 4097}) {
      RandomStream words(7, "device", 3, 5), uniforms(7, "device", 3, 5);
      Array<std::uint32_t> drawn(count);
      Array<float> floats(count);
      philox_words(words.state(), count, drawn.data(), nullptr);
      philox_uniform(words.state(), -2.0f, 3.0f, count, floats.data(), nullptr);
      for (std::size_t i = 0; i < count; ++i) {
        CHECK(drawn[i] == words.next_u32());
        CHECK(floats[i] == std::fma(5.0f, uniforms.uniform(), -2.0f));
      }
    }
  });
}

TEST_CASE("angle sums: ragged segments, several checkpoints, both weight types and partial sums") {
  const auto check = [](std::size_t alignment, auto weight, PartialSums partial, double tolerance) {
    using Weight = decltype(weight);
    const Table table(kRagged, alignment);
    constexpr int kCheckpoints = 3;
    Array<float> source(table.count);
    std::vector<std::unique_ptr<Array<Weight>>> buffers;
    AngleBatch<Weight> batch;
    for (int k = 0; k <= kCheckpoints; ++k) {
      buffers.push_back(std::make_unique<Array<Weight>>(table.count));
      fill_random(source, ("weights " + std::to_string(k)).c_str(), -0.5f, 1.0f);
      for (std::size_t i = 0; i < table.count; ++i) {
        if constexpr (std::is_same_v<Weight, float>)
          (*buffers.back())[i] = source[i];
        else
          (*buffers.back())[i] = to_bf16(source[i]);
      }
      if (k > 0) batch.w1[batch.count++] = buffers.back()->data();
    }
    batch.w0 = buffers.front()->data();
    under_all_schedules([&] {
      Array<AngleSums> sums(std::size_t(table.segments * kCheckpoints));
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i].dot = double(kNan);
      Array<std::byte> scratch(angle_batch_workspace_bytes(table.block_count(), kCheckpoints, partial));
      angle_sums_batch(batch, partial, table.blocks.data(), table.block_count(), table.segments, sums.data(),
                       scratch.workspace(), nullptr);
      // In order, 100000 of them: a double would itself be off by more than the tolerance.
      struct Sums {
        long double dot = 0.0L, norm0_sq = 0.0L, norm1_sq = 0.0L;
      };
      std::vector<Sums> expected(sums.size());
      for (int k = 0; k < kCheckpoints; ++k)
        for (const SegmentBlock& block : table.blocks)
          for (std::int64_t i = block.offset; i < block.offset + block.count; ++i) {
            const long double a = to_float(batch.w0[i]), b = to_float(batch.w1[k][i]);
            Sums& sum = expected[std::size_t(k * table.segments + block.segment)];
            sum.dot += a * b;
            sum.norm0_sq += a * a;
            sum.norm1_sq += b * b;
          }
      for (std::size_t i = 0; i < sums.size(); ++i) {
        CAPTURE(i);
        const long double scale = std::sqrt(expected[i].norm0_sq * expected[i].norm1_sq);
        CHECK(std::abs(sums[i].dot - expected[i].dot) <= tolerance * scale);
        CHECK(std::abs(sums[i].norm0_sq - expected[i].norm0_sq) <= tolerance * expected[i].norm0_sq);
        CHECK(std::abs(sums[i].norm1_sq - expected[i].norm1_sq) <= tolerance * expected[i].norm1_sq);
      }
      // A checkpoint alone gives the same bits.
      AngleBatch<Weight> alone{.w0 = batch.w0, .count = 1, .w1 = {batch.w1[1]}};
      Array<AngleSums> one(std::size_t(table.segments));
      angle_sums_batch(alone, partial, table.blocks.data(), table.block_count(), table.segments, one.data(),
                       scratch.workspace(), nullptr);
      for (int s = 0; s < table.segments; ++s) {
        CHECK(one[std::size_t(s)].dot == sums[std::size_t(table.segments + s)].dot);
        CHECK(one[std::size_t(s)].norm1_sq == sums[std::size_t(table.segments + s)].norm1_sq);
      }
    });
  };
  for (const std::size_t alignment : {16, 1}) {
    check(alignment, float{}, PartialSums::fp64, 1e-14);
    check(alignment, float{}, PartialSums::fp32, 1e-6);
    check(alignment, Bf16{}, PartialSums::fp64, 1e-14);
    check(alignment, Bf16{}, PartialSums::fp32, 1e-6);
  }
}

TEST_CASE("angle sums: no block, no segment, too many checkpoints") {
  Array<AngleSums> sums(2);
  sums[1].dot = 3.0;
  Array<float> w(1);
  AngleBatch<float> batch{.w0 = w.data(), .count = 1, .w1 = {w.data()}};
  angle_sums_batch(batch, PartialSums::fp64, nullptr, 0, 2, sums.data(), {}, nullptr);
  CHECK(sums[1].dot == 0.0);
  angle_sums_batch(batch, PartialSums::fp64, nullptr, 0, 0, nullptr, {}, nullptr);
  batch.count = AngleBatch<float>::kMaxCheckpoints + 1;
  CHECK_THROWS_AS(angle_sums_batch(batch, PartialSums::fp64, nullptr, 0, 2, sums.data(), {}, nullptr), Error);
}

TEST_CASE("loss: the first of equal logits counts; NaN and a label out of range make it NaN") {
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

TEST_CASE("gradient clipping: by norm over the sampled segments, and by element") {
  for (const std::size_t alignment : {16, 1}) {
    const Table table(kRagged, alignment);
    std::vector<SegmentState> states;
    for (int s = 0; s < table.segments; ++s) states.push_back(SegmentState((s + 1) % 5));
    Array<float> gradient(table.count);
    fill_random(gradient, "gradient");
    double square = 0.0;
    for (const SegmentBlock& block : table.blocks)
      for (std::int64_t i = block.offset; i < block.offset + block.count; ++i) {
        const double g = gradient[std::size_t(i)];
        if (has_gradient(states[std::size_t(block.segment)]))
          square += g * g;
        else
          gradient[std::size_t(i)] = kNan;  // must not be read
      }
    under_all_schedules([&] {
      Array<double> partials(std::size_t(table.block_count()));
      Array<GradientNorm> norm(1);
      for (const float limit : {5.0f, 1e6f}) {
        launch_gradient_norm({.blocks = table.blocks.data(),
                              .block_count = table.block_count(),
                              .states = states.data(),
                              .gradient = gradient.data(),
                              .max_norm = limit,
                              .norm = norm.data()},
                             partials.workspace(), nullptr);
        CHECK(norm[0].norm == doctest::Approx(std::sqrt(square)).epsilon(1e-13));
        CHECK(norm[0].scale ==
              doctest::Approx(std::min(1.0, double(limit) / std::sqrt(square))).epsilon(1e-6));
      }
      norm[0].scale = 0.25;
      for (const float limit : {0.1f, std::numeric_limits<float>::infinity()}) {
        Array<float> momentum(table.count), weights(table.count);
        fill_random(momentum, "momentum");
        fill_random(weights, "weights");
        SgdSpec spec{0.025f, 0.9f, 5e-4f, true};
        spec.clip = {limit, norm.data()};
        launch_sgd_step({.spec = spec,
                         .blocks = table.blocks.data(),
                         .block_count = table.block_count(),
                         .states = states.data(),
                         .gradient = gradient.data(),
                         .momentum = momentum.data(),
                         .weights = weights.data()},
                        nullptr);
        spec.clip = {};
        // The same step by the reference, of a gradient clipped beforehand.
        Array<float> clipped(table.count), m(table.count), w(table.count);
        fill_random(m, "momentum");
        fill_random(w, "weights");
        for (std::size_t i = 0; i < table.count; ++i)
          clipped[i] = std::min(limit, std::max(-limit, gradient[i] * 0.25f));
        make_ref_backend()->run(SgdStep{.spec = spec,
                                        .blocks = table.blocks.data(),
                                        .block_count = table.block_count(),
                                        .states = states.data(),
                                        .gradient = clipped.data(),
                                        .momentum = m.data(),
                                        .weights = w.data()});
        double worst = 0.0;
        for (std::size_t i = 0; i < table.count; ++i)
          worst = std::max({worst, std::abs(double(w[i]) - double(weights[i])),
                            std::abs(double(m[i]) - double(momentum[i]))});
        CHECK(worst <= 3e-7);
      }
    });
  }
}

TEST_CASE("gradient clipping: a norm that is not finite is seen, and an empty table has norm zero") {
  Array<double> partials(1);
  Array<GradientNorm> norm(1);
  Array<float> gradient(4);
  gradient[2] = kNan;
  const SegmentBlock block{0, 4, 0};
  const SegmentState state = SegmentState::sampled;
  launch_gradient_norm({.blocks = &block,
                        .block_count = 1,
                        .states = &state,
                        .gradient = gradient.data(),
                        .max_norm = 1.0f,
                        .norm = norm.data()},
                       partials.workspace(), nullptr);
  CHECK(std::isnan(norm[0].norm));
  CHECK(std::isnan(norm[0].scale));
  launch_gradient_norm({.max_norm = 1.0f, .norm = norm.data()}, {}, nullptr);
  CHECK(norm[0].norm == 0.0);
  CHECK(norm[0].scale == 1.0);
}

}  // namespace rlnas::test
