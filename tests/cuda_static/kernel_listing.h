// What the compiler made of the kernels: their instructions, from PTX, and their resources, from ptxas -v.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace rlnas::test {

struct PtxKernel {
  std::string name;                       // "rlnas::angle_partials_kernel<float, double>"
  int max_threads = 0;                    // of a block, as the kernel's launch bounds say
  std::map<std::string, int> operations;  // "ld.global.nc.v4.f32" -> how many in the text
};
// Errors: std::runtime_error when the file cannot be read or has no kernel.
std::vector<PtxKernel> read_ptx(const std::string& path);

struct KernelResources {
  int registers = 0;     // of a thread
  int shared_bytes = 0;  // of a block
};
// By kernel name. `path`: the messages of ptxas -v for one architecture.
std::map<std::string, KernelResources> read_ptxas_log(const std::string& path);

}  // namespace rlnas::test
