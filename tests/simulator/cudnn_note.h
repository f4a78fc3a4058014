// What an execution of a cuDNN plan costs on paper: its operands once, and what its workspace gives away.
// How many kernels an engine launches cuDNN does not say; the rule below is an assumption, and named as such
// in what is written down.
//
// The workspaces of docs/cudnn_plans.md are sums of tensors, to within a KiB or two: an fp32 engine that
// wants NCHW takes x and y, a tensor-core engine that wants KRSC takes the filter. So each tensor of such a
// sum is copied, in another layout, by one kernel more. Any other workspace that has room for the result is
// partial sums, written once and read once, and one kernel more; a smaller one is nothing.
#pragma once

#include "tests/simulator/cudnn_record.h"
#include "tests/simulator/work_log.h"

namespace rlnas::simulator {

Work work_of(cudnnBackendDescriptor_t plan, const Computation& computation, std::size_t workspace_bytes);

}  // namespace rlnas::simulator
