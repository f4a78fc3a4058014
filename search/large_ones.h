// Architectures of which one takes the most memory in a step of training, found from the costs of every
// candidate: for planning.
#pragma once

#include <vector>

#include "search/space.h"

namespace rlnas {

// First that with the most activations, of equal ones with the most work, in every place. What a step keeps
// is most there; on top comes what its largest single call needs, which may be that of another candidate: the
// others have one in one place. options: of the SuperNet.
std::vector<Genes> find_large_ones(const Space& space, const NetworkOptions& options);

}  // namespace rlnas
