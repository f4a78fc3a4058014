// The paths of a training step as the published code draws them (method.md 3.2): one cell for each searchable
// cell of the SuperNet, or one for all of them. A node whose incoming edges all came out as none is drawn
// again as a whole.
#pragma once

#include "search/space.h"

namespace rlnas::nasbench201 {

// Of any step in any order, though it replays from the start to go back.
StepPaths published_paths(const SamplerOptions& options);

}  // namespace rlnas::nasbench201
