// What runs the convolutions of the search spaces: never oneDNN's reference code.
#include <doctest/doctest.h>

#include "kernels/cpu/conv_engine.h"
#include "tests/kernels/case_table.h"

namespace rlnas::test {
namespace {

constexpr ConvPass kPasses[] = {ConvPass::forward, ConvPass::backward_data, ConvPass::backward_weights};

// The convolutions of the NAS-Bench-201 SuperNet: stem, cells, reduction blocks and their shortcuts.
std::vector<ConvSpec> supernet_specs(int batch, int image) {
  std::vector<ConvSpec> specs = {{batch, 3, image, image, 16, 3, 1, 1, 1, 1}};
  for (int stage = 0; stage < 3; ++stage) {
    const int channels = 16 << stage, size = image >> stage;
    specs.push_back({batch, channels, size, size, channels, 1, 1, 0, 1, 1});
    specs.push_back({batch, channels, size, size, channels, 3, 1, 1, 1, 1});
    if (stage == 2) break;
    specs.push_back({batch, channels, size, size, 2 * channels, 3, 2, 1, 1, 1});
    specs.push_back({batch, channels, size / 2, size / 2, 2 * channels, 1, 1, 0, 1, 1});
  }
  return specs;
}

}  // namespace

TEST_CASE("the SuperNet's convolutions run generated code") {
  ConvEngine engine(1, ConvAlgorithm::direct);
  for (const int batch : {64, 40, 1})
    for (const int image : {32, 16})
      for (const ConvSpec& spec : supernet_specs(batch, image))
        for (const ConvPass pass : kPasses) {
          const std::string name = engine.implementation(spec, pass);
          CAPTURE(batch);
          CAPTURE(spec.in_channels);
          CAPTURE(spec.out_channels);
          CAPTURE(spec.in_height);
          CAPTURE(spec.kernel);
          CAPTURE(int(pass));
          CAPTURE(name);
          if (spec.kernel == 1) {
            CHECK(name == "rlnas:pointwise");
            continue;
          }
          CHECK(name.find("ref") == std::string::npos);
          // AVX2 and AVX-512 code generators; "brgconv" is the latter's batch-reduced GEMM
          CHECK((name.find("jit") != std::string::npos || name.find("brgconv") != std::string::npos));
        }
}

TEST_CASE("the depthwise convolutions of DARTS and MobileNet run code made for them") {
  ConvEngine engine(1);
  for (const int kernel : {3, 5, 7})
    for (const int stride : {1, 2})
      for (const int dilation : {1, 2})
        for (const ConvPass pass : kPasses) {
          const std::string name = engine.implementation(
              {8, 48, 28, 28, 48, kernel, stride, dilation * (kernel - 1) / 2, dilation, 48}, pass);
          CAPTURE(name);
          // oneDNN's depthwise kernels have "dw" in their names
          CHECK((name == "rlnas:depthwise" || name.find("dw") != std::string::npos));
        }
}

TEST_CASE("no convolution of the case table runs oneDNN's reference code") {
  ConvEngine engine(1);
  for (const ConvSpec& spec : conv_specs())
    for (const ConvPass pass : kPasses)
      CHECK(std::string(engine.implementation(spec, pass)).find("ref") == std::string::npos);
}

TEST_CASE("Winograd runs where it pays by default, everywhere or nowhere when asked for") {
  const auto runs = [](ConvAlgorithm algorithm, int batch, int channels, ConvPass pass) {
    const ConvSpec spec = {batch, channels, 16, 16, 32, 3, 1, 1, 1, 1};
    return ConvEngine(1, algorithm).implementation(spec, pass) == std::string("rlnas:winograd");
  };
  using enum ConvAlgorithm;
  for (const ConvPass pass : kPasses) {
    const int enough = pass == ConvPass::backward_weights ? 32 : 16;
    CHECK(runs(automatic, 64, 32, pass));
    CHECK(runs(automatic, enough, 32, pass));
    CHECK_FALSE(runs(automatic, enough - 1, 32, pass));
    CHECK(runs(winograd, 1, 32, pass));
    CHECK_FALSE(runs(direct, 64, 32, pass));
    for (const ConvAlgorithm algorithm : {automatic, direct, winograd})
      CHECK_FALSE(runs(algorithm, 64, 3, pass));  // the stem
  }
  CHECK(ConvEngine(1).implementation({64, 32, 16, 16, 32, 3, 1, 1, 1, 1}, ConvPass::forward) ==
        std::string("rlnas:winograd"));
}

}  // namespace rlnas::test
