// libFuzzer's entry. It is clang's, but its library does not ask who compiled the rest: GCC calls a function
// at each branch (-fsanitize-coverage=trace-pc), which counts here what clang would have counted in place.
// The environment says which target this process is for (scripts/fuzz.sh).
#include "tests/fuzz/targets.h"

extern "C" {
void __sanitizer_cov_8bit_counters_init(std::uint8_t* begin, std::uint8_t* end);
__attribute__((no_sanitize_coverage, no_sanitize("address", "undefined"))) void
__wrap___sanitizer_cov_trace_pc();
// GCC tells of these too, libFuzzer does not ask.
void __sanitizer_cov_trace_cmpf(float, float) {}
void __sanitizer_cov_trace_cmpd(double, double) {}
__attribute__((no_sanitize_coverage)) int LLVMFuzzerInitialize(int* argc, char*** argv);
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
}

namespace {

constexpr int kCounterBits = 16;  // libFuzzer looks at all of them after each input
std::uint8_t counters[std::size_t{1} << kCounterBits];

const rlnas::fuzz::Target* target = nullptr;

}  // namespace

void __wrap___sanitizer_cov_trace_pc() {
  const auto place = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  std::uint8_t& counter = counters[(place * 0x9e3779b97f4a7c15u) >> (64 - kCounterBits)];
  if (counter != 255) ++counter;
}

int LLVMFuzzerInitialize(int*, char***) {
  const char* const name = std::getenv("RLNAS_FUZZ_TARGET");
  target = rlnas::fuzz::find_target(name == nullptr ? "" : name);
  if (target == nullptr) {
    for (const rlnas::fuzz::Target& known : rlnas::fuzz::kTargets) std::printf("%s\n", known.name);
    std::exit(2);
  }
  __sanitizer_cov_8bit_counters_init(counters, counters + sizeof counters);
  return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  rlnas::fuzz::run_target(*target, {data, size});
  return 0;
}
