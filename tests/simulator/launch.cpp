// Kernel launches of the simulated device: the emulator's, kept on the stream until it is their turn.
#include "tests/emulation/emulator.h"
#include "tests/simulator/device_memory.h"
#include "tests/simulator/stream.h"

namespace rlnas::simulator {
namespace {

void queue_launch(emulation::Launch launch) {
  const Entry entry;
  cudaError_t error;
  const std::string name = std::string("kernel ") + launch.kernel;
  if (entry.refused(error, Call::launch, cudaErrorLaunchOutOfResources))  // said as the real launch() says it
    fail(ErrorCode::device, "CUDA ", name, ": ", cudaGetErrorString(error));
  if (options().presence == Presence::no_image)
    fail(ErrorCode::device, "CUDA ", name, ": ", cudaGetErrorString(cudaErrorNoKernelImageForDevice));
  for (const void* const pointer : launch.pointers)
    if (!device_memory().holds(MemoryKind::device, pointer, 0, name))
      misuse(name + " is given a pointer that is not to device memory");
  const WorkNote note = note_of([&] {
    return Work{.kind = WorkKind::kernel,
                .name = launch.kernel,
                .grid = launch.shape.grid,
                .block = launch.shape.block,
                .cost = launch.shape.cost,
                .segments = launch.shape.segments};
  });
  error = enqueue(launch.stream, name, std::move(launch.run), kKernelNode, note);
  if (error != cudaSuccess) fail(ErrorCode::device, "CUDA ", name, ": ", cudaGetErrorString(error));
}

// Before main(): this file is linked as an object, for nothing refers to it.
[[maybe_unused]] const bool installed = [] {
  emulation::executor() = queue_launch;
  return true;
}();

}  // namespace
}  // namespace rlnas::simulator
