// What was set on cuDNN's descriptors, kept on the way to the real library, so that a finished plan can be
// run on the host. Planning itself stays real: libcudnn plans from the properties of a device and needs none.
#pragma once

#include <cudnn.h>

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "tests/simulator/cudnn_convolution.h"
#include "tests/simulator/cudnn_norm_pool.h"

namespace rlnas::simulator {

using Computation = std::variant<Convolution, NormPool>;

struct DescriptorRecord {
  cudnnBackendDescriptorType_t type = CUDNN_BACKEND_TENSOR_DESCRIPTOR;
  bool finalized = false;
  std::map<cudnnBackendAttributeName_t, std::vector<char>> attributes;
  // What a graph, a configuration for it, or a plan computes; empty for what is not simulated.
  std::optional<Computation> computation;

  template <class T>
  std::vector<T> values(cudnnBackendAttributeName_t name) const {
    const auto found = attributes.find(name);
    if (found == attributes.end()) return {};
    std::vector<T> result(found->second.size() / sizeof(T));
    std::memcpy(result.data(), found->second.data(), result.size() * sizeof(T));
    return result;
  }
  template <class T>
  T value(cudnnBackendAttributeName_t name, T absent) const {
    const std::vector<T> all = values<T>(name);
    return all.empty() ? absent : all.front();
  }
};

// misuse() for a descriptor that does not exist.
DescriptorRecord& record_of(cudnnBackendDescriptor_t descriptor);

// The operation of a graph, if it is one and is simulated.
std::optional<Computation> read_graph(const DescriptorRecord& graph);

// A function of the real libcudnn. misuse() when it cannot be loaded.
void* real_cudnn(const char* name);
template <class Function>
Function* real_cudnn(const char* name, Function*) {
  return reinterpret_cast<Function*>(real_cudnn(name));
}

}  // namespace rlnas::simulator

// The real library's function of the same name.
#define RLNAS_REAL_CUDNN(name) ::rlnas::simulator::real_cudnn(#name, static_cast<decltype(&name)>(nullptr))
