// Bugs that end the process: the sanitizers' reports, with the emulator's line about kernel, block and
// thread. Each planted bug runs in a child process, which is this program with one of the skipped cases
// below.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <gpu_runtime.cuh>
#include <vector>

namespace rlnas::test {
namespace {

__global__ void past_global_array_kernel(const float* from, float* to, int offset) {
  to[threadIdx.x] = from[int(threadIdx.x) + offset];
}

__global__ void misaligned_store_kernel(float* to) {
  *reinterpret_cast<float4*>(to + threadIdx.x) = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
}

struct Child {
  int exit_code;
  std::string output;
};

Child run_child(const std::string& test_case) {
  char self[4096] = {};
  const auto length = readlink("/proc/self/exe", self, sizeof(self) - 1);
  REQUIRE(length > 0);
  const std::string line = "'" + std::string(self) + "' --no-skip -tc='" + test_case + "' 2>&1";
  std::FILE* const pipe = popen(line.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Child child;
  char buffer[4096];
  while (const std::size_t bytes = std::fread(buffer, 1, sizeof(buffer), pipe))
    child.output.append(buffer, bytes);
  const int status = pclose(pipe);
  child.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return child;
}

void check_report(const Child& child, std::initializer_list<const char*> parts) {
  CAPTURE(child.output);
  CHECK(child.exit_code != 0);
  for (const char* const part : parts) CHECK(child.output.find(part) != std::string::npos);
}

constexpr int kCount = 32;

void copy_from(int offset) {
  std::vector<float> from(kCount, 1.0f), to(kCount);
  launch("past_global_array_kernel", past_global_array_kernel, {{1}, {unsigned(kCount)}}, nullptr,
         static_cast<const float*>(from.data()), to.data(), offset);
}

}  // namespace

TEST_CASE("planted: a read past a global array" * doctest::skip()) {
  copy_from(1);
}

TEST_CASE("planted: a misaligned store" * doctest::skip()) {
  alignas(16) float to[8] = {};
  launch("misaligned_store_kernel", misaligned_store_kernel, {{1}, {2}}, nullptr, static_cast<float*>(to));
}

TEST_CASE("sanitizer: global memory out of bounds") {
  copy_from(0);
  check_report(run_child("planted: a read past a global array"),
               {"AddressSanitizer: heap-buffer-overflow", "in past_global_array_kernel",
                "emulated: kernel past_global_array_kernel, block (0,0,0), thread (31,0,0)"});
}

TEST_CASE("sanitizer: a misaligned vector store") {
  check_report(run_child("planted: a misaligned store"),
               {"runtime error: store to misaligned address", "sanitizer_test.cpp:",
                "emulated: kernel misaligned_store_kernel, block (0,0,0), thread (1,0,0)"});
}

}  // namespace rlnas::test
