// The tape against finite differences of the loss: every parameter of a small network that uses each
// operation, an activation shared by several edges, a skip, and a sum of many terms.
#include <doctest/doctest.h>

#include <cmath>
#include <optional>

#include "engine/philox.h"
#include "ops/classifier.h"
#include "ops/conv.h"
#include "ops/norm_sum.h"
#include "ops/pool.h"

namespace rlnas {
namespace {

class SmallNetwork {
 public:
  static constexpr int kBatch = 4, kSize = 6, kClasses = 5;

  explicit SmallNetwork(Backend& backend)
      : backend_(backend),
        stem_(builder_.conv("stem", {.in_channels = 3, .out_channels = 8, .kernel = 3, .padding = 1})),
        stem_norm_(builder_.batch_norm("stem_norm", 8, Affine::yes)),
        a_(builder_.conv("a", {.in_channels = 8, .out_channels = 8, .kernel = 1})),
        a_norm_(builder_.batch_norm("a_norm", 8, Affine::yes)),
        b_(builder_.conv("b",
                         {.in_channels = 8, .out_channels = 8, .kernel = 3, .padding = 2, .dilation = 2})),
        b_norm_(builder_.batch_norm("b_norm", 8, Affine::no)),
        down_(builder_.conv("down",
                            {.in_channels = 8, .out_channels = 16, .kernel = 3, .stride = 2, .padding = 1})),
        short_(builder_.conv("short", {.in_channels = 8, .out_channels = 16})),
        down_norm_(builder_.batch_norm("down_norm", 16, Affine::yes)),
        constant_norm_(builder_.batch_norm("constant_norm", 16, Affine::yes)),
        classifier_(builder_.linear("classifier", 16, kClasses)),
        parameters(backend, builder_.parameters()),
        statistics_(backend, builder_.statistics()),
        arena_(backend, std::size_t{16} << 20),
        tape_(backend, arena_) {
    weights = builder_.initial_parameters(3);
    RandomStream random(4, "weights");
    for (float& w : weights) w += 0.2f * (random.uniform() - 0.5f);
  }

  // Mean loss at the present weights; with the tape kept for backward().
  double loss() {
    tape_.clear();
    parameters.weights().upload(weights);
    statistics_.upload(builder_.initial_statistics());
    Context context{backend_, arena_, tape_, parameters, statistics_, Mode::train};
    context_.emplace(context);
    Context& c = *context_;
    Tensor images = make_tensor(arena_, Shape::image(kBatch, kSize, kSize, 3));
    RandomStream random(5, "images");
    for (std::size_t i = 0; i < images.count(); ++i) images.data()[i] = 2.0f * random.uniform() - 1.0f;
    const Tensor labels = make_tensor(arena_, Shape::matrix(kBatch, 1), Layout::flat, DType::i32);
    for (int i = 0; i < kBatch; ++i) labels.data<std::int32_t>()[i] = (2 * i + 1) % kClasses;

    const NodeOutput x = norm_sum(c, {conv_norm(c, images, stem_, stem_norm_)}, Want::both);
    const Tensor pooled = avg_pool(c, x.sum, {});
    const NodeOutput y = norm_sum(c,
                                  {conv_norm(c, x.activated, a_, a_norm_),
                                   conv_norm(c, x.activated, b_, b_norm_),
                                   {x.sum},
                                   {x.sum},
                                   {pooled},
                                   average_3x3(x.sum),
                                   average_3x3(x.activated),
                                   {x.activated}},
                                  Want::both);
    // A gradient must pass back through the ReLU whatever takes the activated tensor.
    const Tensor shortcut =
        conv2d(c, avg_pool(c, y.activated, {.kernel = 2, .stride = 2, .padding = 0}), short_);
    const Tensor raw = conv2d(c, activate(c, y.sum, Activation::relu6), down_);
    // gamma and beta of a batch norm have gradients even when its input needs none.
    const Tensor constant = make_tensor(arena_, raw.shape);
    for (std::size_t i = 0; i < constant.count(); ++i) constant.data()[i] = random.uniform();
    const Tensor z =
        norm_sum(c, {normalise(c, raw, down_norm_), {shortcut}, normalise(c, constant, constant_norm_)},
                 Want::activated)
            .activated;
    const Tensor logits = linear(c, global_avg_pool(c, z), classifier_);
    LossSums sums;
    cross_entropy(c, logits, labels, 0.1f, &sums);
    return sums.loss / kBatch;
  }

  void backward() { tape_.backward(); }

 private:
  Backend& backend_;
  ModelBuilder builder_;
  Conv2d stem_;
  BatchNorm stem_norm_;
  Conv2d a_;
  BatchNorm a_norm_;
  Conv2d b_;
  BatchNorm b_norm_;
  Conv2d down_, short_;
  BatchNorm down_norm_;
  BatchNorm constant_norm_;
  Linear classifier_;

 public:
  Parameters parameters;
  std::vector<float> weights;

 private:
  FlatBuffer statistics_;
  Arena arena_;
  Tape tape_;
  std::optional<Context> context_;
};

// For every tensor: the derivative of the loss along the tensor's own gradient must be the gradient's squared
// norm.
void check_gradients(Backend& backend, double tolerance) {
  SmallNetwork network(backend);
  network.loss();
  network.backward();
  const SegmentTable& table = network.parameters.table();
  const std::vector<float> weights = network.weights;
  std::vector<std::vector<float>> gradients;
  for (int s = 0; s < table.size(); ++s) {
    const float* g = network.parameters.gradient_of(s);
    gradients.emplace_back(g, g + table[s].count);
  }
  for (int s = 0; s < table.size(); ++s) {
    const std::vector<float>& g = gradients[std::size_t(s)];
    double square = 0.0;
    for (const float v : g) square += double(v) * v;
    INFO(table[s].name);
    REQUIRE(square > 1e-12);
    const double h = 2e-3 / std::sqrt(square);  // a step of length 0.002: short of most ReLU kinks
    double side[2];
    for (int sign = 0; sign < 2; ++sign) {
      network.weights = weights;
      for (std::size_t i = 0; i < g.size(); ++i)
        network.weights[std::size_t(table[s].offset) + i] += float((sign == 0 ? h : -h) * g[i]);
      side[sign] = network.loss();
    }
    CHECK((side[0] - side[1]) / (2.0 * h) == doctest::Approx(square).epsilon(tolerance));
  }
}

}  // namespace

TEST_CASE("gradients of the tape equal finite differences: ref") {
  check_gradients(*make_ref_backend(), 0.02);
}
TEST_CASE("gradients of the tape equal finite differences: cpu") {
  check_gradients(*make_cpu_backend({.threads = 2}), 0.02);
}

}  // namespace rlnas
