// The interface between the engine and what computes for it: a device, and a run() for each primitive.
//
// Every run() is asynchronous on the device's one compute stream (a CPU backend finishes before it returns),
// allocates nothing, and takes its scratch memory from the caller as a Workspace. Backends: ref/ (double
// loops, the oracle), cpu/, cuda/ or no_cuda/, and two around another: dry/ (writes calls down) and profile/
// (times them).
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "kernels/check.h"
#include "kernels/device.h"
#include "rlnas/choices.hpp"
#include "rlnas/primitives.hpp"

namespace rlnas {

struct Workspace {
  void* data = nullptr;
  std::size_t bytes = 0;
};

class Backend : public Device {
 public:
  // What activations and their gradients are best stored as here; a call may bring others.
  virtual Element activation_type() const { return Element::f32; }
  // Whether ConvNormForward and ConvNormBackward of this convolution save passes over memory when their
  // input's own batch norm is left to them.
  virtual bool gains_by_normalising_inputs(const ConvSpec&) const { return false; }
  // Whether gradients of an activation's output are better added up before they pass back through it: where
  // each would do so in a kernel of its own, and the gradient of a batch norm can on its way.
  virtual bool gains_by_masking_once() const { return false; }
  // What this backend likes to know again of the dx that a call writes, once that is the dz of another call:
  // the size of ConvNormBackward::dx_note; 0: nothing. Pointers in the call are not looked at.
  virtual std::size_t note_bytes(const ConvNormBackward&) const { return 0; }

  // Made of other primitives (conv_norm.cpp), unless the backend does better.
  virtual void run(const ConvNormForward& call, Workspace workspace = {});
  virtual void run(const ConvNormBackward& call, Workspace workspace = {});
  virtual std::size_t workspace_bytes(const ConvNormForward& call);
  virtual std::size_t workspace_bytes(const ConvNormBackward& call);

  // The scratch memory that run() needs. Of the call's pointers only the element types are looked at.
#define RLNAS_DECLARE(Primitive)                                         \
  virtual void run(const Primitive& call, Workspace workspace = {}) = 0; \
  virtual std::size_t workspace_bytes(const Primitive&) {                \
    return 0;                                                            \
  }
  RLNAS_SINGLE_PRIMITIVES(RLNAS_DECLARE)
#undef RLNAS_DECLARE
};

// In the class of a backend, `RLNAS_SINGLE_PRIMITIVES(RLNAS_OVERRIDE_RUN)` declares all but the composed.
#define RLNAS_OVERRIDE_RUN(Primitive) void run(const Primitive& call, Workspace workspace = {}) override;

// Plain double-precision loops: the executable specification. Slow.
std::unique_ptr<Backend> make_ref_backend();

int cpu_cores();  // cores this process may run on

struct CpuOptions {
  static constexpr int kMaxThreads = 1024;

  int threads = 0;  // 0: all cores this process may run on
  ConvAlgorithm conv_algorithm = ConvAlgorithm::automatic;

  friend bool operator==(const CpuOptions&, const CpuOptions&) = default;
};
std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options);

enum class Determinism {
  on,   // the same bits in every run on the same device and libraries
  off,  // cuDNN may choose algorithms that add up in any order
};

enum class GraphCapture {
  off,     // every call goes to the stream by itself
  stages,  // what is queued between two begin_stage calls goes as one CUDA graph: see cuda/graph_cache.h
};

struct CudaOptions {
  int device = 0;
  Precision precision = Precision::fp32;
  Determinism determinism = Determinism::on;
  std::string plan_directory = {};  // keeps cuDNN plans between runs; empty: they are made anew
  GraphCapture graph_capture = GraphCapture::off;
  Pointwise pointwise = Pointwise::cublas;
  NormAndPool norm_and_pool = NormAndPool::own;
  void* stream = nullptr;  // the caller's cudaStream_t, which outlives the backend; null: one of its own
};

// Errors: device when this build has no CUDA, or the machine no driver or device of that index.
std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options);

}  // namespace rlnas
