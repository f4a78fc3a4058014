// What the simulated device was given to do, where it counts instead of computing (Execution::counted): a
// line for each kernel, library call and copy, in the order they ran, with what it costs on paper.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/launch_shape.h"

namespace rlnas::simulator {

enum class WorkKind { kernel, cudnn, cublas, copy_to_device, copy_to_host, copy_on_device, set };
inline constexpr int kWorkKinds = 7;

// The units that multiply.
enum class Arithmetic { fp32, tf32, bf16 };

struct Work {
  WorkKind kind = WorkKind::kernel;
  std::string name = {};  // "add_kernel", "conv_forward 3x3 s1, engine 70"
  Extent grid = {}, block = {};
  // Of a library call: its operands once, and what the assumption below adds to them.
  KernelCost cost = {};
  SegmentCost segments = {};  // added to the cost when the work runs
  Arithmetic arithmetic = Arithmetic::fp32;
  int kernels = 1;                    // in a library call: an assumption
  KernelCost assumed = {};            // part of the cost: moved by the kernels beyond the first
  std::string assumption = {};        // what those are; empty: none
  std::uint64_t workspace_bytes = 0;  // of a library call
  const char* where = "";             // set_work_place() at the time it was queued
};
using WorkNote = std::shared_ptr<const Work>;  // null unless the device counts

// Since the start or the last clear_work_log().
const std::vector<Work>& work_log();
void clear_work_log();
// Of a pass whose tables can be read here.
KernelCost cost_of(const SegmentCost& pass);
// What is queued from now on belongs there: `place` is a string literal.
void set_work_place(const char* place);
const char* work_place();

}  // namespace rlnas::simulator
