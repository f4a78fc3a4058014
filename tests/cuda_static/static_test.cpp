// What can be said of the compiled kernels without running them: how they read memory, that no reduction uses
// an atomic (the last block to finish is found by a counter, which is none), and that enough of them fit a
// multiprocessor. (That none spills registers is an error of the build.)
#include <doctest/doctest.h>

#include <sstream>

#include "tests/cuda_static/occupancy.h"

namespace rlnas::test {
namespace {

std::vector<std::string> stems() {
  std::istringstream list(RLNAS_CUDA_STEMS);
  std::vector<std::string> result;
  for (std::string stem; std::getline(list, stem, ',');) result.push_back(stem);
  return result;
}

std::string built(const std::string& file) {
  return std::string(RLNAS_PTX_DIR) + "/" + file;
}

int count_starting_with(const PtxKernel& kernel, const std::string& prefix) {
  int count = 0;
  for (const auto& [operation, times] : kernel.operations)
    if (operation.starts_with(prefix)) count += times;
  return count;
}

const PtxKernel& find(const std::vector<PtxKernel>& kernels, const std::string& name) {
  for (const PtxKernel& kernel : kernels)
    if (kernel.name == name) return kernel;
  FAIL(name << " is not in the PTX");
  return kernels.front();
}

}  // namespace

TEST_CASE("no own kernel has an atomic but a count of blocks, nor a reduction to memory") {
  int kernels = 0, counting = 0;
  for (const std::string& stem : stems())
    for (const PtxKernel& kernel : read_ptx(built(stem + ".ptx"))) {
      CAPTURE(kernel.name);
      CHECK(kernel.operations.size() > 3);
      const int counters = count_starting_with(kernel, "atom.global.inc.u32");
      CHECK(count_starting_with(kernel, "atom") == counters);
      CHECK(counters <= 1);
      counting += counters;
      CHECK(count_starting_with(kernel, "red.") == 0);
      ++kernels;
    }
  CHECK(kernels >= 40);
  // Of floats and of bf16: statistics, gradients of batch norm (masked or not) and dots of channels of each
  // width; depthwise convolutions of each filter and spacing, of each width forwards, of one backwards.
  CHECK(counting == 2 * (2 + 4 + 2 + 3 * 2 * (2 + 1)));
  // The check can fail: this kernel has one of each.
  const PtxKernel planted = find(read_ptx(built("planted.ptx")), "rlnas::test::planted_kernel");
  CHECK(count_starting_with(planted, "atom") > 0);
  CHECK(count_starting_with(planted, "red.") > 0);
  CHECK(count_starting_with(planted, "ld.global.nc.v4.") == 0);
}

TEST_CASE("the angle and SGD kernels read and write 128 bits at a time") {
  const PtxKernel angle = find(read_ptx(built("angle.ptx")), "rlnas::angle_groups_kernel<float, double>");
  CHECK(count_starting_with(angle, "ld.global.nc.L1::no_allocate.v4.") >= 16);  // eight of w0 and of w1
  const PtxKernel bf16 =
      find(read_ptx(built("angle_variants.ptx")), "rlnas::angle_groups_kernel<rlnas::Bf16, double>");
  CHECK(count_starting_with(bf16, "ld.global.nc.L1::no_allocate.v4.") >= 8);
  const PtxKernel sgd = find(read_ptx(built("sgd.ptx")), "rlnas::sgd_step_kernel<4>");
  CHECK(count_starting_with(sgd, "ld.global.nc.v4.") >= 1);  // the gradient
  CHECK(count_starting_with(sgd, "ld.global.v4.") >= 2);     // momentum and weights
  CHECK(count_starting_with(sgd, "st.global.v4.") >= 2);
}

TEST_CASE("a multiprocessor holds at least 512 threads of every own kernel") {
  const struct {
    Gpu gpu;
    const char* architecture;
  } targets[] = {{Gpu::a100, "sm_80"}, {Gpu::h100, "sm_90"}};
  for (const std::string& stem : stems())
    for (const auto& [gpu, architecture] : targets) {
      const auto resources = read_ptxas_log(built(stem + "." + architecture + ".log"));
      for (const PtxKernel& kernel : read_ptx(built(stem + ".ptx"))) {
        CAPTURE(kernel.name);
        REQUIRE(kernel.max_threads > 0);
        CHECK(occupancy_of(gpu, resources.at(kernel.name), kernel.max_threads).threads >= 512);
      }
    }
  CHECK(occupancy_of(Gpu::h100, {.registers = 255, .shared_bytes = 0}, 256).threads == 256);
  CHECK(occupancy_of(Gpu::a100, {.registers = 32, .shared_bytes = 40 << 10}, 256).blocks == 4);
}

}  // namespace rlnas::test
