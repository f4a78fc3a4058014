// What an execution of a cuDNN plan costs on paper: its operands once, and what its workspace gives away.
// How many kernels an engine launches cuDNN does not say; the rule below is an assumption, and named as such
// in what is written down.
//
// The plans of docs/cudnn_plans.md for fp32 take a workspace of x and y, to within a KiB: engines that want
// NCHW, and transpose what lies NHWC. So: a workspace as large as x and y is a transposition of each; a
// smaller one as large as the filter, in a forward pass or a data gradient of more than 1x1, is a filter
// brought from OIHW to KRSC. Any other workspace is partial sums, written once and read once by one kernel
// more.
#pragma once

#include "tests/simulator/cudnn_record.h"
#include "tests/simulator/work_log.h"

namespace rlnas::simulator {

Work work_of(cudnnBackendDescriptor_t plan, const Computation& computation, std::size_t workspace_bytes);

}  // namespace rlnas::simulator
