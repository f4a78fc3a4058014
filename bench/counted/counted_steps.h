// Training steps of a search space, counted instead of timed: the real CUDA backend on the simulated device
// (tests/simulator), which plans its convolutions with cuDNN and writes down every kernel, library call, copy
// and wait that it is given, but computes nothing. The figures are exact for what is queued; what a library
// does inside a call is an assumption (tests/simulator/cudnn_note.h) and listed apart.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/backend.h"

namespace rlnas::bench {

struct CountedCase {
  std::string space = "nasbench201";
  int batch = 64;
  Precision precision = Precision::fp32;
  std::string device = "h100_sxm";  // that cuDNN plans for
  GraphCapture graphs = GraphCapture::off;
  int paths = 4;  // those of the first training steps
};

// Of some of a step's work, as means of a step.
struct CountedWork {
  std::string name;
  double calls = 0.0, kernels = 0.0;
  double read_bytes = 0.0, written_bytes = 0.0, flops = 0.0;
  double least_s = 0.0;    // see device_limits.h
  std::string assumption;  // about the kernels of a library call
};

struct CountedStep {
  CountedCase of = {};
  std::vector<std::vector<int>> paths = {};  // as the baselines of bench/baselines take them
  // Means of a step.
  CountedWork all = {};  // kernels and copies
  double own_kernels = 0.0, library_calls = 0.0, library_kernels = 0.0, copies = 0.0;
  double assumed_bytes = 0.0;           // of `all`: moved by kernels that are an assumption
  double queued = 0.0, captured = 0.0;  // calls that put work on a stream, or into a graph
  double events = 0.0, graph_calls = 0.0;
  double host_waits = 0.0;          // for an event or a stream
  double host_waits_at_once = 0.0;  // of them those for work of the same step
  double copied_to_device_bytes = 0.0;
  double weights = 0.0;  // of the whole network: as many gradients are exchanged
  // The largest of all paths.
  double scratch_bytes = 0.0, arena_bytes = 0.0, fixed_bytes = 0.0;
  double device_s = 0.0, host_s = 0.0;  // least time of the device's work, and of queueing it
  std::vector<CountedWork> by_kernel = {}, by_primitive = {};

  double least_s() const { return device_s > host_s ? device_s : host_s; }
};

// On a simulated device of its own: nothing else may use the simulator meanwhile.
// Errors: usage for a space or device that there is none of; device where cuDNN has no plan.
CountedStep count_steps(const CountedCase& of);

}  // namespace rlnas::bench
