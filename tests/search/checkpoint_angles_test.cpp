#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/check.h"
#include "search/checkpoint_angles.h"
#include "search/spaces.h"
#include "tests/search/fake_run.h"
#include "tests/support/temporary_directory.h"

using namespace rlnas;
using rlnas::test::TemporaryDirectory;

TEST_CASE("the sums of two checkpoints equal plain loops over their tensors, for any thread count") {
  const TemporaryDirectory directory;
  test::write_fake_run(directory.path(), 10, 3);
  const SegmentTable segments = supernet_segments("nasbench201", 10);
  const std::vector<AngleSums> expected = test::plain_sums(segments, test::random_weights(segments, 3));
  std::vector<std::vector<AngleSums>> results;
  for (const int threads : {1, 2}) {
    const auto backend = make_cpu_backend({threads});
    const CheckpointAngles angles =
        checkpoint_angle_sums(*backend, directory / "init.safetensors", directory / "latest.safetensors");
    CHECK(angles.classes == 10);
    REQUIRE(angles.sums.size() == expected.size());
    for (std::size_t s = 0; s < expected.size(); ++s) {
      CHECK(angles.sums[s].dot == doctest::Approx(expected[s].dot).epsilon(1e-12));
      CHECK(angles.sums[s].norm0_sq == doctest::Approx(expected[s].norm0_sq).epsilon(1e-12));
      CHECK(angles.sums[s].norm1_sq == doctest::Approx(expected[s].norm1_sq).epsilon(1e-12));
    }
    results.push_back(angles.sums);
  }
  for (std::size_t s = 0; s < expected.size(); ++s) {
    CHECK(results[0][s].dot == results[1][s].dot);
    CHECK(results[0][s].norm1_sq == results[1][s].norm1_sq);
  }
}

TEST_CASE("a file that is not a whole NAS-Bench-201 SuperNet is refused with its name and the tensor") {
  const TemporaryDirectory directory;
  test::write_fake_run(directory.path(), 10, 3);
  const auto backend = make_cpu_backend({1});
  const std::string init = directory / "init.safetensors", bad = directory / "bad.safetensors";
  const auto error_after = [&](const std::function<void(TensorFile&)>& change) -> std::string {
    TensorFile file = read_safetensors(init);
    file.metadata.clear();
    change(file);
    write_safetensors(bad, file);
    try {
      checkpoint_angle_sums(*backend, init, bad);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::data);
      CHECK(std::string(error.what()).find(bad) != std::string::npos);
      return error.what();
    }
    return "accepted";
  };
  const auto tensor = [](TensorFile& file, const std::string& name) -> NamedTensor& {
    return *std::find_if(file.tensors.begin(), file.tensors.end(),
                         [&](const auto& t) { return t.name == name; });
  };
  const std::string op = "cells.3.edges.2<-1.2.op.1.weight";
  const auto contains = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(error_after([](TensorFile&) {}) == "accepted");
  CHECK(contains(error_after([&](TensorFile& f) { tensor(f, op).name = "other"; }),
                 "not a NAS-Bench-201 SuperNet: missing tensor " + op));
  CHECK(contains(error_after([&](TensorFile& f) {
                   tensor(f, op).shape = {256, 1, 1, 1};
                 }),
                 op + " has shape [256,1,1,1] instead of [16,16,1,1]"));
  CHECK(contains(error_after([](TensorFile& f) {
                   f.tensors.push_back({"cells.0._ops.0", {1}, {1.0f}});
                 }),
                 "unexpected tensor cells.0._ops.0"));
  CHECK(contains(error_after([&](TensorFile& f) { f.tensors.clear(); }), "missing tensor classifier.weight"));
  CHECK(contains(
      error_after([&](TensorFile& f) { tensor(f, op).data[7] = std::numeric_limits<float>::quiet_NaN(); }),
      op + " holds NaN or infinite weights"));
  test::write_fake_run(directory / "hundred", 100, 3);
  CHECK_THROWS_AS(checkpoint_angle_sums(*backend, init, directory / "hundred/latest.safetensors"), Error);
  CHECK_THROWS_AS(checkpoint_angle_sums(*backend, init, directory / "absent.safetensors"), Error);
}

TEST_CASE("a file that does not say its space is recognised by a tensor that no other space has") {
  const TemporaryDirectory directory;
  const auto backend = make_cpu_backend({1});
  const auto error_of = [&](const std::string& space_said, const std::string& tensor,
                            const char* classifier) {
    TensorFile file;
    file.tensors.push_back({tensor, {1}, {1.0f}});
    file.tensors.push_back({classifier, {7, 1}, std::vector<float>(7, 1.0f)});
    if (!space_said.empty()) file.metadata["space"] = space_said;
    write_safetensors(directory / "a.safetensors", file);
    try {
      checkpoint_angle_sums(*backend, directory / "a.safetensors", directory / "a.safetensors");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  const auto says = [](const std::string& text, const std::string& part) {
    return text.find(": not a " + part + " SuperNet: ") != std::string::npos;
  };
  CHECK(says(error_of("", "stem.0.weight", "classifier.weight"), "NAS-Bench-201"));
  CHECK(says(error_of("", "cells.0.preprocess0.op.1.weight", "classifier.weight"), "DARTS CIFAR"));
  CHECK(says(error_of("", "stem0.0.weight", "classifier.weight"), "DARTS ImageNet"));
  CHECK(says(error_of("", "MBConv_ratio_1.conv.0.weight", "classifier.0.weight"), "MobileNet"));
  // What the metadata say counts, whatever the tensors are.
  CHECK(says(error_of("darts-imagenet", "MBConv_ratio_1.conv.0.weight", "classifier.weight"),
             "DARTS ImageNet"));
  CHECK(error_of("other", "stem.0.weight", "classifier.weight")
            .find("a.safetensors: holds a SuperNet of 'other'") != std::string::npos);
}
