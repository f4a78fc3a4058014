// Architectures tried on images with the weights that they inherit from a SuperNet.
#include "search/supernet_probe.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "data/random_labels.h"
#include "search/indicators/groups.h"
#include "search/search_space.h"
#include "search/training_data.h"
#include "tests/support/errors.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/supernet_files.h"

namespace rlnas {
namespace {

using test::TemporaryDirectory;
using test::write_supernet;

constexpr int kClasses = 10;
constexpr Needs kImages{.weights = true, .images = true, .labels = true};
constexpr const char* kCell =
    "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|";

// 25 held-out images in batches of 10, and two batches of ten for statistics.
SuperNetConfig small_config(const std::string& weights) {
  SuperNetConfig config;
  config.weights = weights;
  config.run = test::labelled_run("");
  config.recalibration_batches = 2;
  config.eval_images = 25;
  config.batch = 10;
  return config;
}

// The stand-alone network of `genes` with the SuperNet's tensors, norms' scales 1 and shifts 0, by itself.
TestCounts test_alone(const SuperNetData& data, const Genes& genes) {
  const Space& space = data.space();
  NetworkOptions options = data.network();
  options.kind = NetworkKind::stand_alone;
  const Graph graph = space.network(options, {&genes, 1});
  const NetworkLayout layout(graph, Initializer::pytorch);
  const SegmentTable &own = layout.tensors().parameters(),
                     &of_supernet = data.layout().tensors().parameters();
  std::vector<float> weights = layout.tensors().initial_parameters(99);
  int taken = 0;
  for (const Segment& segment : own) {
    const int from = of_supernet.find(segment.name);
    if (from < 0) continue;
    std::copy_n(data.weights().begin() + of_supernet[from].offset, segment.count,
                weights.begin() + segment.offset);
    ++taken;
  }
  CHECK(taken > 20);
  const std::unique_ptr<Backend> backend = make_ref_backend();
  Executor executor(*backend, layout.tensors(), std::size_t{1} << 26);
  executor.parameters().weights().upload(weights);
  const Program program(graph, layout, {.trains = false});
  executor.recalibrate(program, data.recalibration(), data.training_augment());
  TestCounts counts;
  for (const HostBatch& batch : data.tests())
    counts +=
        count_top(executor.logits([&](Context& c, const Tensor& x) { return program.run(c, x, {}).logits; },
                                  batch, data.test_augment()),
                  batch.labels, kClasses);
  return counts;
}

double value_of(const IndicatorGroup& group, SuperNetProbe& probe, const Genes& genes) {
  SpaceSpec spec;
  spec.name = probe.data().space().name();
  const std::unique_ptr<SearchSpace> space = make_search_space(spec);
  double value = 0.0;
  group.measure({.space = *space, .supernet = &probe}, genes, {&value, 1});
  return value;
}

std::vector<std::uint32_t> indices_of(const std::vector<HostBatch>& batches) {
  std::vector<std::uint32_t> indices;
  for (const HostBatch& batch : batches)
    indices.insert(indices.end(), batch.indices.begin(), batch.indices.end());
  return indices;
}

}  // namespace

TEST_CASE("a path through the SuperNet tells what the stand-alone network with its tensors tells") {
  const TemporaryDirectory directory;
  const Space& space = find_space("nasbench201");
  const SuperNetData data(small_config(write_supernet(directory / "w", space, kClasses, 3)), kClasses,
                          kImages);
  const std::unique_ptr<Backend> backend = make_cpu_backend({.threads = 2});
  SuperNetProbe probe(*backend, data);
  for (const char* text : {kCell, "#6111", "enum:0"}) {
    CAPTURE(text);
    const Genes genes = space.parse(text);
    const TestCounts path = probe.test(genes), alone = test_alone(data, genes);
    CHECK(path.images == 25);
    CHECK(path.top1 == alone.top1);
    CHECK(path.top5 == alone.top5);
    CHECK(path.loss == doctest::Approx(alone.loss).epsilon(1e-4));
    CHECK(value_of(*make_accuracy(), probe, genes) == double(path.top1) / 25.0);
  }
}

TEST_CASE("a probe's result does not depend on what it looked at before, nor on threads") {
  const TemporaryDirectory directory;
  const Space& space = find_space("nasbench201");
  const SuperNetData data(small_config(write_supernet(directory / "w", space, kClasses, 4)), kClasses,
                          kImages);
  const Genes a = space.parse(kCell), b = space.parse("#1462");
  const auto one = make_cpu_backend({.threads = 1}), three = make_cpu_backend({.threads = 3});
  SuperNetProbe fresh(*one, data), used(*three, data);
  const std::vector<float>& noised = data.noised_weights({0.05}).front();
  const TestCounts noised_a = used.test(a, noised), of_b = used.test(b), of_a = used.test(a);
  CHECK(noised_a.loss != of_a.loss);
  CHECK(fresh.test(a) == of_a);
  CHECK(fresh.test(b) == of_b);
  CHECK(fresh.test(a, noised) == noised_a);
}

TEST_CASE("statistics are taken anew along the path, or are those of the file") {
  const TemporaryDirectory directory;
  const Space& space = find_space("nasbench201");
  const auto wrong_statistics = [](const Segment& segment, std::vector<float>& values) {
    if (segment.name.ends_with("running_var")) std::ranges::fill(values, 50.0f);
  };
  const std::string plain = write_supernet(directory / "plain", space, kClasses, 5),
                    wrong = write_supernet(directory / "wrong", space, kClasses, 5, wrong_statistics);
  const std::unique_ptr<Backend> backend = make_cpu_backend({.threads = 2});
  const Genes genes = space.parse(kCell);
  const auto loss = [&](const std::string& weights, int batches) {
    SuperNetConfig config = small_config(weights);
    config.recalibration_batches = batches;
    const SuperNetData data(config, kClasses, kImages);
    CHECK(data.recalibration().size() == std::size_t(batches));
    CHECK(data.statistics().empty() == (batches > 0));
    return SuperNetProbe(*backend, data).test(genes).loss;
  };
  CHECK(loss(plain, 2) == loss(wrong, 2));
  CHECK(loss(plain, 0) != loss(wrong, 0));
  CHECK(loss(plain, 0) != loss(plain, 2));
  CHECK(loss(plain, 1) != loss(plain, 2));
}

TEST_CASE("a SuperNet that says the same of every image is right for one class") {
  const TemporaryDirectory directory;
  const Space& space = find_space("nasbench201");
  const std::string weights = write_supernet(directory / "w", space, kClasses, 6,
                                             [](const Segment& segment, std::vector<float>& values) {
                                               if (segment.name.starts_with("classifier"))
                                                 std::ranges::fill(values, 0.0f);
                                               if (segment.name == "classifier.bias") values[7] = 2.0f;
                                             });
  SuperNetConfig config = small_config(weights);
  config.eval_images = 0;  // all 36: image i has class i mod 10, and those from 60 on are held out
  const SuperNetData data(config, kClasses, kImages);
  const std::unique_ptr<Backend> backend = make_cpu_backend({.threads = 2});
  SuperNetProbe probe(*backend, data);
  const Genes genes = space.parse(kCell);
  CHECK(value_of(*make_accuracy(), probe, genes) == 3.0 / 36.0);  // 67, 77, 87
  CHECK(probe.test(genes).loss == doctest::Approx(36.0 * std::log(9.0 + std::exp(2.0)) - 3.0 * 2.0));
}

TEST_CASE("true labels: held-out images, random ones: training images as the run labelled them, or --eval") {
  const TemporaryDirectory directory;
  const std::string weights = write_supernet(directory / "w", find_space("nasbench201"), kClasses, 7);
  SuperNetConfig config = small_config(weights);
  config.recalibration_batches = 13;  // 6 whole batches of 60 images: more than two epochs
  const auto check_recalibration = [](const SuperNetData& data) {
    CHECK(data.recalibration().size() == 13);
    for (const HostBatch& batch : data.recalibration()) CHECK(batch.count == 10);
    for (const std::uint32_t index : indices_of(data.recalibration())) CHECK(index < 60);
  };
  SUBCASE("held out") {
    const SuperNetData data(config, kClasses, kImages);
    check_recalibration(data);
    const std::vector<std::uint32_t> indices = indices_of(data.tests());
    CHECK(indices.size() == 25);
    CHECK(std::set<std::uint32_t>(indices.begin(), indices.end()).size() == 25);
    CHECK(!std::ranges::is_sorted(indices));  // of a folder the first ones would be of few classes
    for (const HostBatch& batch : data.tests())
      for (int i = 0; i < batch.count; ++i) {
        CHECK(batch.indices[std::size_t(i)] >= 60);
        CHECK(batch.labels[std::size_t(i)] == int(batch.indices[std::size_t(i)] % 10));
        CHECK(batch.params[std::size_t(i)].shift_x == 0);
        CHECK(batch.params[std::size_t(i)].flip == 0);
      }
    CHECK(data.tests().back().images.size() == std::size_t(5 * 16 * 16 * 3));
    CHECK(data.description() ==
          "25 of 36 held-out images of synthetic:96, true labels; batch norms by 13 batches of 10 training "
          "images along each path");
  }
  SUBCASE("random labels") {
    config.run.labels.kind = LabelKind::random;
    config.run.labels.seed = 11;
    config.run.labels.classes = 17;
    const std::string other = write_supernet(directory / "17", find_space("nasbench201"), 17, 7);
    config.weights = other;
    const SuperNetData data(config, 17, kImages);
    check_recalibration(data);
    const std::vector<std::int32_t> labels = random_labels(96, 17, 11, LabelSource::philox);
    for (const HostBatch& batch : data.tests())
      for (int i = 0; i < batch.count; ++i) {
        CHECK(batch.indices[std::size_t(i)] < 60);
        CHECK(batch.labels[std::size_t(i)] == labels[batch.indices[std::size_t(i)]]);
      }
    CHECK(test::contains(data.description(), "25 of 60 training images of synthetic:96, the random labels"));
  }
  SUBCASE("named ones") {
    config.run.eval.spec = "synthetic:40";
    const SuperNetData data(config, kClasses, kImages);
    check_recalibration(data);
    CHECK(indices_of(data.tests()).size() == 25);
    CHECK(test::contains(data.description(), "25 of 40 images of --eval synthetic:40"));
    const Dataset test_set =
        load_dataset(parse_data_spec("synthetic:40"), load_options(config.run, DataPart::test));
    const HostBatch& batch = data.tests().front();
    CHECK(std::equal(batch.images.begin(), batch.images.begin() + std::ptrdiff_t(test_set.image_bytes()),
                     test_set.image(batch.indices.front())));
  }
}

TEST_CASE("noise on weights: of the deviation asked for, growing level by level, a tensor's own") {
  const TemporaryDirectory directory;
  const SuperNetData data(
      small_config(write_supernet(directory / "w", find_space("nasbench201"), kClasses, 8)), kClasses,
      {.weights = true});
  const std::vector<std::vector<float>>& levels = data.noised_weights({0.5, 0.25});
  REQUIRE(levels.size() == 2);
  CHECK(&data.noised_weights({0.5, 0.25}) == &levels);
  const SegmentTable& table = data.layout().tensors().parameters();
  double squares[2] = {0.0, 0.0}, product = 0.0;
  for (const Segment& segment : table)
    for (std::int64_t i = segment.offset; i < segment.offset + segment.count; ++i) {
      const double first = double(levels[0][std::size_t(i)]) - data.weights()[std::size_t(i)],
                   second = double(levels[1][std::size_t(i)]) - levels[0][std::size_t(i)];
      squares[0] += first * first;
      squares[1] += second * second;
      product += first * second;
    }
  const double count = double(table.element_count());
  CHECK(std::sqrt(squares[0] / count) == doctest::Approx(0.5).epsilon(0.01));
  CHECK(std::sqrt(squares[1] / count) == doctest::Approx(0.25).epsilon(0.01));
  CHECK(std::abs(product / count) < 0.001);
  // Two norms' shifts both begin at zero.
  const auto noise_of = [&](const char* name) {
    const Segment& segment = table[table.find(name)];
    return std::vector<float>(levels[0].begin() + segment.offset, levels[0].begin() + segment.offset + 16);
  };
  CHECK(noise_of("stem.1.bias") != noise_of("lastact.0.bias"));
}

TEST_CASE("flatness is GeNAS's sum over the losses with noise") {
  const TemporaryDirectory directory;
  const Space& space = find_space("nasbench201");
  const SuperNetData data(small_config(write_supernet(directory / "w", space, kClasses, 9)), kClasses,
                          kImages);
  const std::unique_ptr<Backend> backend = make_cpu_backend({.threads = 2});
  SuperNetProbe probe(*backend, data), other(*backend, data);
  const Genes genes = space.parse("#6111");
  const std::vector<std::vector<float>>& noised = data.noised_weights({0.001, 0.003 - 0.001, 0.006 - 0.003});
  double losses[3];
  for (int k = 0; k < 3; ++k) losses[k] = other.test(genes, noised[std::size_t(k)]).loss / 25.0;
  CHECK(losses[0] != losses[1]);
  const double steepness =
      losses[0] / 0.001 + std::abs(losses[1] - losses[0]) / 0.002 + std::abs(losses[2] - losses[1]) / 0.003;
  CHECK(value_of(*make_flatness(), probe, genes) == doctest::Approx(1.0 / (steepness + 1e-5)).epsilon(1e-12));
}

TEST_CASE("bn-scale adds up the last norms of the chosen operations") {
  const TemporaryDirectory directory;
  const Space& space = find_space("darts-cifar");
  // Those of operation k on edge e of cell c: magnitude 1 + c + e / 16 + k / 256, all else far away.
  const auto magnitude = [](int cell, int edge, int op) { return 1.0 + cell + edge / 16.0 + op / 256.0; };
  const std::string weights = write_supernet(
      directory / "w", space, kClasses, 10, [&](const Segment& segment, std::vector<float>& values) {
        if (segment.shape.size() != 1 || !segment.name.ends_with(".weight")) return;
        // The second norm of a separable convolution is op.7, the only one of a dilated one op.3.
        const bool first_of_two = segment.edge >= 0 && (segment.op == 4 || segment.op == 5) &&
                                  segment.name.ends_with("op.3.weight");
        for (std::size_t i = 0; i < values.size(); ++i)
          values[i] = segment.edge < 0 || first_of_two
                          ? 1000.0f
                          : float(magnitude(segment.cell, segment.edge, segment.op)) * (i % 2 == 0 ? 1 : -1);
      });
  SuperNetConfig config = small_config(weights);
  config.run.network.space = space.name();
  config.run.data.spec.clear();  // it takes none
  const SuperNetData data(config, kClasses, {.weights = true});
  const std::unique_ptr<Backend> backend = make_cpu_backend({.threads = 1});
  SuperNetProbe probe(*backend, data);
  CHECK(SuperNetProbe::planned_bytes(*backend, data) == 0);
  const Genes genes = space.angle_sample(3).back();
  double expected = 0.0;
  for (int cell = 0; cell < 8; ++cell) {
    const bool reduces = cell == 2 || cell == 5;
    for (int edge = 0; edge < 14; ++edge) {
      const int op = genes[std::size_t((reduces ? 14 : 0) + edge)];
      const bool strided = reduces && (edge < 2 || edge == 2 || edge == 3 || edge == 5 || edge == 6 ||
                                       edge == 9 || edge == 10);
      const bool has_norm = op != 0 && (op != 3 || strided);
      if (has_norm) expected += magnitude(cell, edge, op);
    }
  }
  const std::unique_ptr<IndicatorGroup> group = make_bn_scale();
  group->check_space(space);
  group->check_space(find_space("mobilenet"));
  CHECK(value_of(*group, probe, genes) == doctest::Approx(expected).epsilon(1e-9));
  CHECK(test::contains(
      test::error_of(ErrorCode::usage, [&] { group->check_space(find_space("nasbench201")); }),
      "--score bn-scale: the batch norms of the candidate operations of nasbench201 have no scale"));
}

}  // namespace rlnas
