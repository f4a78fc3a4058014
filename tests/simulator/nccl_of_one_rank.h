// NCCL's calls for a communicator of one rank, on the simulated device's streams: an all-reduce is the
// pre-multiplication alone. So gradients that a rank weighs by a half come back halved, and whoever reads
// them too early, or sends them before they are there, is seen.
#pragma once

namespace rlnas::simulator {

int all_reduces();  // queued so far

}  // namespace rlnas::simulator
