// accuracy and flatness of 20 paths through a SuperNet against PyTorch
// (tests/golden/supernet_probe_golden.py).
#include <array>

#include "search/indicators/groups.h"
#include "search/search_space.h"
#include "search/supernet_probe.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/golden.h"
#include "tests/training/probe_golden.h"

namespace rlnas {
namespace {

// Relative; single precision is within 8e-6 (cpu).
constexpr double kTolerance = 1e-4;

void check_paths(Backend& backend) {
  const golden::Json golden = golden::read("supernet_probe_golden.json");
  const test::TemporaryDirectory directory;
  const SuperNetData data = test::probe_golden_data(test::write_probe_golden_weights(directory / "w"));
  const std::unique_ptr<SearchSpace> space = make_search_space({.name = "nasbench201"});
  SuperNetProbe probe(backend, data);
  const std::vector<std::vector<float>>& noised = data.noised_weights({0.001, 0.002, 0.003});
  CHECK(golden["paths"].size() == 20);
  for (const golden::Json& path : golden["paths"]) {
    const Genes genes = path["genes"].get<Genes>();
    INFO(path["genes"].dump());
    const auto value_of = [&](const std::unique_ptr<IndicatorGroup>& group) {
      double value = 0.0;
      group->measure({.space = *space, .supernet = &probe}, genes, {&value, 1});
      return value;
    };
    CHECK(value_of(make_accuracy()) == path["accuracy"].get<double>());
    for (std::size_t k = 0; k < noised.size(); ++k) {
      const TestCounts counts = probe.test(genes, noised[k]);
      CHECK(counts.loss / counts.images == doctest::Approx(path["losses"][k]).epsilon(kTolerance));
    }
    CHECK(value_of(make_flatness()) == doctest::Approx(path["flatness"]).epsilon(kTolerance));
  }
}

}  // namespace

TEST_CASE("accuracy and flatness equal PyTorch's along 20 paths") {
  check_paths(*make_cpu_backend({.threads = 2}));
}

}  // namespace rlnas
