// The architecture of a training step as the published code draws it, from the NumPy stream that drew the
// random labels of ImageNet before. Source: method.md 6 (Sampling), 15.6.
#pragma once

#include "search/space.h"

namespace rlnas::mobilenet {

// Of the published run, whatever the seed of a training. Of any step in any order, though it replays from the
// start to go back.
StepPaths published_paths();

}  // namespace rlnas::mobilenet
