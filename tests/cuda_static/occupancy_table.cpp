// Writes docs/cuda_occupancy.md: registers, shared memory and occupancy of every own kernel, from the
// listings that the build made. Arguments: the folder of the listings, then their stems.
#include <exception>
#include <iostream>

#include "tests/cuda_static/occupancy.h"

int main(int argc, char** argv) {
  using namespace rlnas::test;
  try {
    std::cout << "# Occupancy of the own CUDA kernels\n\n"
                 "Computed by `cuda_occupancy.h` from what ptxas reports; nothing here ran on a GPU. A full\n"
                 "multiprocessor holds 2048 threads. Written by `occupancy_table` (tests/cuda_static).\n\n"
                 "| kernel | threads a block | A100: registers | shared bytes | threads resident | share "
                 "| H100: registers | shared bytes | threads resident | share |\n"
                 "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
    for (int i = 2; i < argc; ++i) {
      const std::string base = std::string(argv[1]) + "/" + argv[i];
      const auto a100 = read_ptxas_log(base + ".sm_80.log"), h100 = read_ptxas_log(base + ".sm_90.log");
      for (const PtxKernel& kernel : read_ptx(base + ".ptx")) {
        std::cout << "| " << kernel.name.substr(kernel.name.find("::") + 2) << " | " << kernel.max_threads;
        for (const auto& [gpu, resources] : {std::pair{Gpu::a100, &a100}, {Gpu::h100, &h100}}) {
          const KernelResources& used = resources->at(kernel.name);
          const Occupancy occupancy = occupancy_of(gpu, used, kernel.max_threads);
          std::cout << " | " << used.registers << " | " << used.shared_bytes << " | " << occupancy.threads
                    << " | " << int(occupancy.share * 100.0 + 0.5) << " %";
        }
        std::cout << " |\n";
      }
    }
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
