// Both backends against values PyTorch computed: tests/golden/op_golden.py says how.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "kernels/backend.h"
#include "tests/support/golden_dir.h"

namespace rlnas::test {
namespace {

using Json = nlohmann::json;
using Floats = std::vector<float>;

const Json& golden() {
  static const Json values = [] {
    std::ifstream file(test::golden_file("op_golden.json"));
    REQUIRE_MESSAGE(file.good(), "cannot read ", test::golden_file("op_golden.json"));
    return Json::parse(file);
  }();
  return values;
}

Floats floats(const Json& object, const char* key) {
  return object.at(key).get<Floats>();
}

// PyTorch sums in float: errors are measured against the largest value of the array.
void check_close(const char* name, const Floats& got, const Json& object, double tolerance = 2e-6) {
  const Floats expected = floats(object, name);
  CAPTURE(name);
  REQUIRE(got.size() == expected.size());
  double scale = 0.0, worst = 0.0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    scale = std::max(scale, std::abs(double(expected[i])));
    const double error = std::abs(double(got[i]) - double(expected[i]));
    worst = std::isnan(error) ? INFINITY : std::max(worst, error);
  }
  CHECK(worst <= tolerance * scale);
}

// Calls body(backend) for the reference and the CPU backend.
template <class Body>
void on_both(const Body& body) {
  const auto ref = make_ref_backend(), cpu = make_cpu_backend({.threads = 2});
  for (Backend* const backend : {ref.get(), cpu.get()}) {
    CAPTURE(backend->description());
    body(*backend);
  }
}

class Scratch {
 public:
  Scratch(Backend& backend, std::size_t bytes)
      : backend_(backend), workspace{backend.allocate(bytes), bytes} {}
  ~Scratch() { backend_.release(workspace.data); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

 private:
  Backend& backend_;

 public:
  const Workspace workspace;
};

}  // namespace

TEST_CASE("PyTorch's values: convolution") {
  on_both([](Backend& b) {
    for (const Json& c : golden().at("conv")) {
      CAPTURE(c.at("name").get<std::string>());
      const auto s = c.at("spec").get<std::vector<int>>();
      const ConvSpec spec{s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9]};
      const Floats x = floats(c, "x"), w = floats(c, "w"), dy = floats(c, "dy");
      Floats y(spec.out_count()), dx(spec.in_count()), dw(spec.weight_count());
      b.run(ConvForward{.spec = spec, .x = x.data(), .w = w.data(), .y = y.data()},
            Scratch(b, b.workspace_bytes(ConvForward{.spec = spec})).workspace);
      b.run(ConvBackwardData{.spec = spec, .dy = dy.data(), .w = w.data(), .dx = dx.data()},
            Scratch(b, b.workspace_bytes(ConvBackwardData{.spec = spec})).workspace);
      b.run(ConvBackwardWeights{.spec = spec, .x = x.data(), .dy = dy.data(), .dw = dw.data()},
            Scratch(b, b.workspace_bytes(ConvBackwardWeights{.spec = spec})).workspace);
      check_close("y", y, c);
      check_close("dx", dx, c);
      check_close("dw", dw, c);
    }
  });
}

TEST_CASE("PyTorch's values: batch norm") {
  on_both([](Backend& b) {
    for (const Json& c : golden().at("batch_norm")) {
      BatchNormSpec spec;
      spec.rows = c.at("rows").get<int>();
      spec.channels = c.at("channels").get<int>();
      const std::size_t channels = std::size_t(spec.channels);
      const bool affine = c.contains("gamma");
      const Floats x = floats(c, "x"), dy = floats(c, "dy");
      const Floats gamma = affine ? floats(c, "gamma") : Floats{},
                   beta = affine ? floats(c, "beta") : Floats{};
      const float* const gamma_or_null = affine ? gamma.data() : nullptr;
      const float* const beta_or_null = affine ? beta.data() : nullptr;
      Floats mean = floats(c, "running_mean_before"), var = floats(c, "running_var_before");
      Floats saved(4 * channels), y(x.size()), dx(x.size()), dgamma(channels), dbeta(channels);
      const BatchNormSaved at = BatchNormSaved::at(saved.data(), spec.channels);
      const Scratch scratch(b, b.workspace_bytes(BatchNormBackward{.spec = spec}));
      const auto normalise = [&] {
        AffineSumSpec sum;
        sum.rows = spec.rows;
        sum.channels = spec.channels;
        sum.term_count = 1;
        sum.terms[0] = {x.data(), at.scale, at.shift};
        b.run(AffineSum{.spec = sum, .sum = y.data()});
      };
      b.run(BatchNormStatistics{.spec = spec,
                                .x = x.data(),
                                .gamma = gamma_or_null,
                                .beta = beta_or_null,
                                .running_mean = mean.data(),
                                .running_var = var.data(),
                                .saved = at},
            scratch.workspace);
      normalise();
      check_close("y", y, c);
      check_close("running_mean", mean, c);
      check_close("running_var", var, c);
      b.run(BatchNormBackward{.spec = spec,
                              .x = x.data(),
                              .dy = dy.data(),
                              .saved = at,
                              .dx = dx.data(),
                              .dgamma = affine ? dgamma.data() : nullptr,
                              .dbeta = affine ? dbeta.data() : nullptr},
            scratch.workspace);
      check_close("dx", dx, c);
      if (affine) {
        check_close("dgamma", dgamma, c);
        check_close("dbeta", dbeta, c);
      }
      b.run(BatchNormInference{.spec = spec,
                               .gamma = gamma_or_null,
                               .beta = beta_or_null,
                               .running_mean = mean.data(),
                               .running_var = var.data(),
                               .saved = at});
      normalise();
      check_close("y_eval", y, c);
    }
  });
}

TEST_CASE("PyTorch's values: pooling") {
  on_both([](Backend& b) {
    for (const Json& c : golden().at("pool")) {
      const auto s = c.at("spec").get<std::vector<int>>();
      const PoolSpec spec{s[0], s[1], s[2], s[3], s[4], s[5], s[6]};
      const Floats x = floats(c, "x"), dy = floats(c, "dy");
      Floats y(spec.out_count()), dx(spec.in_count());
      std::vector<std::uint8_t> index(spec.out_count());
      b.run(AvgPoolForward{.spec = spec, .x = x.data(), .y = y.data()});
      check_close("average", y, c);
      b.run(AvgPoolBackward{.spec = spec, .dy = dy.data(), .dx = dx.data(), .store = Store::overwrite});
      check_close("dx_average", dx, c);
      b.run(MaxPoolForward{.spec = spec, .x = x.data(), .y = y.data(), .index = index.data()});
      check_close("maximum", y, c, 0.0);
      b.run(MaxPoolBackward{
          .spec = spec, .index = index.data(), .dy = dy.data(), .dx = dx.data(), .store = Store::overwrite});
      check_close("dx_maximum", dx, c);
    }
  });
}

TEST_CASE("PyTorch's values: linear and cross entropy") {
  on_both([](Backend& b) {
    const Json& c = golden().at("linear");
    const auto s = c.at("spec").get<std::vector<int>>();
    const LinearSpec spec{s[0], s[1], s[2]};
    const Floats x = floats(c, "x"), w = floats(c, "w"), bias = floats(c, "bias"), dy = floats(c, "dy");
    Floats y(dy.size()), dx(x.size()), dw(w.size()), dbias(bias.size());
    b.run(LinearForward{.spec = spec, .x = x.data(), .w = w.data(), .bias = bias.data(), .y = y.data()});
    b.run(LinearBackwardData{.spec = spec, .dy = dy.data(), .w = w.data(), .dx = dx.data()});
    b.run(LinearBackwardWeights{
        .spec = spec, .x = x.data(), .dy = dy.data(), .dw = dw.data(), .dbias = dbias.data()});
    check_close("y", y, c);
    check_close("dx", dx, c);
    check_close("dw", dw, c);
    check_close("dbias", dbias, c);

    for (const Json& e : golden().at("cross_entropy")) {
      const CrossEntropySpec entropy{e.at("batch").get<int>(), e.at("classes").get<int>(),
                                     e.at("smoothing").get<float>()};
      const Floats logits = floats(e, "logits");
      const auto labels = e.at("labels").get<std::vector<std::int32_t>>();
      Floats dlogits(logits.size());
      LossSums sums;
      b.run(CrossEntropy{.spec = entropy,
                         .logits = logits.data(),
                         .labels = labels.data(),
                         .dlogits = dlogits.data(),
                         .sums = &sums});
      CHECK(sums.loss / entropy.batch == doctest::Approx(e.at("mean_loss").get<double>()).epsilon(1e-6));
      CHECK(sums.correct == e.at("correct").get<std::int64_t>());
      check_close("dlogits", dlogits, e);
    }
  });
}

TEST_CASE("PyTorch's values: three steps of SGD") {
  on_both([](Backend& b) {
    for (const Json& c : golden().at("sgd")) {
      const SgdSpec spec{c.at("learning_rate").get<float>(), c.at("momentum").get<float>(),
                         c.at("weight_decay").get<float>(), c.at("nesterov").get<bool>()};
      Floats weights = floats(c, "before"), momentum(weights.size(), 0.0f);
      const SegmentBlock block{0, std::int32_t(weights.size()), 0};
      const SegmentState state = SegmentState::sampled;
      for (std::size_t step = 0; step < 3; ++step) {
        const auto gradient = c.at("gradients").at(step).get<Floats>();
        b.run(SgdStep{.spec = spec,
                      .blocks = &block,
                      .block_count = 1,
                      .states = &state,
                      .gradient = gradient.data(),
                      .momentum = momentum.data(),
                      .weights = weights.data()});
        check_close("after", weights, Json{{"after", c.at("after").at(step)}});
      }
    }
  });
}

}  // namespace rlnas::test
