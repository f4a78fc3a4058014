// Passes over a flat weight buffer, as kernels: angle sums, also of bfloat16 weights and with
// single-precision partial sums, which bench/ times; gradient clipping. Under all schedules.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "kernels/angle_pieces.h"
#include "kernels/cuda/angle.cuh"
#include "kernels/cuda/sgd.cuh"
#include "tests/emulation/array.h"

namespace rlnas::test {
namespace {

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

const std::vector<std::int64_t> kRagged = {0, 1, 3, 4, 5, 0, 31, 8191, 8192, 8193, 2, 100000, 0};

}  // namespace

TEST_CASE("angle sums: ragged segments, both weight types and partial sums, one checkpoint and several") {
  const auto check = [](std::size_t alignment, int checkpoints, auto weight, auto partial, double tolerance) {
    using Weight = decltype(weight);
    using Partial = decltype(partial);
    const Table table(kRagged, alignment);
    const AnglePieceTables tables = angle_pieces(table.blocks, table.segments);
    const AnglePieces pieces{tables.pieces.data(), int(tables.pieces.size()), tables.spans.data(),
                             int(tables.spans.size())};
    const std::size_t segments = std::size_t(table.segments);
    Array<float> source(table.count);
    std::vector<std::unique_ptr<Array<Weight>>> weights;  // w0, then the checkpoints
    AngleCheckpoints<Weight> w1{{}, checkpoints};
    for (int c = -1; c < checkpoints; ++c) {
      weights.push_back(std::make_unique<Array<Weight>>(table.count));
      fill_random(source, ("weights " + std::to_string(c)).c_str(), -0.5f, 1.0f);
      for (std::size_t i = 0; i < table.count; ++i) {
        if constexpr (std::is_same_v<Weight, float>)
          (*weights.back())[i] = source[i];
        else
          (*weights.back())[i] = to_bf16(source[i]);
      }
      if (c >= 0) w1.at[c] = weights.back()->data();
    }
    const Weight* const w0 = weights[0]->data();
    const auto run = [&](const AngleCheckpoints<Weight>& of, Array<AngleSums>& sums) {
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] = {double(kNan), double(kNan), double(kNan)};
      Array<std::byte> scratch(angle_scratch_bytes<Partial>(pieces, of.count));
      launch_angle_sums<Partial, Weight>(w0, of, pieces, table.segments, sums.data(), scratch.workspace(),
                                         nullptr);
    };
    // In order, 100000 of them: a double would itself be off by more than the tolerance.
    struct Sums {
      long double dot = 0.0L, norm0_sq = 0.0L, norm1_sq = 0.0L;
    };
    std::vector<Sums> expected(segments * std::size_t(checkpoints));
    for (int c = 0; c < checkpoints; ++c)
      for (const SegmentBlock& block : table.blocks)
        for (std::int64_t i = block.offset; i < block.offset + block.count; ++i) {
          const long double a = to_float(w0[i]), b = to_float(w1.at[c][i]);
          Sums& sum = expected[std::size_t(c) * segments + std::size_t(block.segment)];
          sum.dot += a * b;
          sum.norm0_sq += a * a;
          sum.norm1_sq += b * b;
        }
    under_all_schedules([&] {
      Array<AngleSums> sums(expected.size()), alone(segments);
      run(w1, sums);
      for (std::size_t i = 0; i < sums.size(); ++i) {
        CAPTURE(i);
        const long double scale = std::sqrt(expected[i].norm0_sq * expected[i].norm1_sq);
        CHECK(std::abs(sums[i].dot - expected[i].dot) <= tolerance * scale);
        CHECK(std::abs(sums[i].norm0_sq - expected[i].norm0_sq) <= tolerance * expected[i].norm0_sq);
        CHECK(std::abs(sums[i].norm1_sq - expected[i].norm1_sq) <= tolerance * expected[i].norm1_sq);
      }
      run({{w1.at[checkpoints - 1]}, 1}, alone);
      CHECK(std::memcmp(alone.data(), &sums[segments * std::size_t(checkpoints - 1)],
                        segments * sizeof(AngleSums)) == 0);
    });
  };
  for (const std::size_t alignment : {16, 1}) {
    check(alignment, 1, float{}, double{}, 1e-14);
    check(alignment, 3, float{}, float{}, 1e-6);
    check(alignment, 3, Bf16{}, double{}, 1e-14);
    check(alignment, 1, Bf16{}, float{}, 1e-6);
  }
  check(16, TakeAngleSums::kMaxCheckpoints, float{}, double{}, 1e-14);
}

TEST_CASE("angle sums: no element, no segment, no piece") {
  Array<AngleSums> sums(2);
  sums[1].dot = 3.0;
  Array<float> w(1);
  const AngleCheckpoints<float> w1{{w.data()}, 1};
  const AnglePieceTables tables = angle_pieces({}, 2);
  const AnglePieces pieces{tables.pieces.data(), int(tables.pieces.size()), nullptr, 0};
  Array<std::byte> scratch(angle_scratch_bytes<double>(pieces, 1));
  launch_angle_sums<double>(w.data(), w1, pieces, 2, sums.data(), scratch.workspace(), nullptr);
  CHECK(sums[1].dot == 0.0);
  launch_angle_sums<double>(w.data(), w1, {}, 0, nullptr, {}, nullptr);
  CHECK_THROWS_WITH_AS(launch_angle_sums<double>(w.data(), w1, {}, 2, sums.data(), {}, nullptr),
                       "angle sums: 0 pieces for 2 segments", Error);
}

TEST_CASE("angle pieces: every element once, spans where a segment has several groups") {
  const Table table(kRagged, 16);
  const AnglePieceTables tables = angle_pieces(table.blocks, table.segments);
  std::vector<std::int64_t> counted(kRagged.size(), 0);
  std::int64_t at = 0;
  for (const SegmentBlock& piece : tables.pieces) {
    CHECK(piece.count <= AnglePieces::kPieceElements);
    if (piece.count > 0) CHECK(piece.offset >= at);
    at = std::max(at, piece.offset + piece.count);
    counted[std::size_t(piece.segment)] += piece.count;
  }
  CHECK(counted == kRagged);
  // 8191, 8192 and 8193 elements begin in the middle of a group, 100000 are 98 pieces.
  std::vector<int> segments, groups;
  for (const AngleSpan& span : tables.spans) {
    segments.push_back(span.segment);
    groups.push_back(span.group_count);
  }
  CHECK(segments == std::vector<int>{7, 8, 9, 11});
  CHECK(groups == std::vector<int>{2, 2, 2, 13});
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
