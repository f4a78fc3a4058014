#include "tests/emulation/emulator.h"

#include <unistd.h>

#include <numeric>

#include "tests/emulation/block_run.h"

// Present in programs built with a sanitizer, null in others.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace rlnas::emulation {
namespace {

// A sanitizer's report tells the source line; this adds the thread.
void report_where() {
  const std::string where = block_run().where();
  if (where.empty()) return;
  const std::string line = "emulated: " + where + "\n";
  (void)!write(STDERR_FILENO, line.data(), line.size());
}

void check_shape(const char* kernel, const LaunchShape& shape) {
  constexpr std::size_t kMaxThreads = 1024;
  constexpr unsigned kMaxBlockZ = 64, kMaxGridX = 0x7FFFFFFF, kMaxGridYZ = 65535;
  const bool good = shape.block.count() >= 1 && shape.block.count() <= kMaxThreads &&
                    shape.block.z <= kMaxBlockZ && shape.grid.count() >= 1 && shape.grid.x <= kMaxGridX &&
                    shape.grid.y <= kMaxGridYZ && shape.grid.z <= kMaxGridYZ;
  if (!good) throw Fault(std::string("kernel ") + kernel + ": no GPU takes a launch of this shape");
}

void run_launch(const LaunchInfo& launch, std::uint64_t seed) {
  Random random(seed);
  const Extent& grid = launch.shape.grid;
  std::vector<std::uint32_t> order(grid.count());
  std::iota(order.begin(), order.end(), 0u);
  switch (options().schedule) {
    case Schedule::forward:
      break;
    case Schedule::reverse:
      std::reverse(order.begin(), order.end());
      break;
    case Schedule::random:
    case Schedule::random_priority:
      std::shuffle(order.begin(), order.end(), random);
  }
  for (const std::uint32_t b : order)
    block_run().run(launch, {b % grid.x, b / grid.x % grid.y, b / (grid.x * grid.y)}, random);
}

}  // namespace

}  // namespace rlnas::emulation

// UndefinedBehaviorSanitizer calls this, where a program has it, before it prints.
extern "C" __attribute__((visibility("default"))) void __ubsan_on_report() {
  rlnas::emulation::report_where();
}

namespace rlnas::emulation {

Options& options() {
  static Options options;
  return options;
}

Executor& executor() {
  static Executor executor = [](const Launch& launch) { launch.run(); };
  return executor;
}

void submit(const char* kernel, const LaunchShape& shape, GpuStream stream, std::vector<const void*> pointers,
            std::function<void()> thread_body) {
  static std::uint64_t launches = 0;
  if (launches == 0 && __sanitizer_set_death_callback != nullptr)
    __sanitizer_set_death_callback(report_where);
  const std::uint64_t seed = options().seed + 0x9E3779B97F4A7C15u * ++launches;
  check_shape(kernel, shape);
  executor()(
      {kernel, shape, stream, std::move(pointers), [kernel, shape, seed, body = std::move(thread_body)] {
         run_launch({kernel, shape, &body}, seed);
       }});
}

}  // namespace rlnas::emulation
