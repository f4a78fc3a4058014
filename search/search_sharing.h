// A search on several ranks: all of them need what rank 0 was asked for, to make the same space and measures.
#pragma once

#include <vector>

#include "engine/comm/communicator.h"
#include "search/search_run.h"

namespace rlnas {

// On all ranks together; afterwards rank 0's, but for the device, which stays this rank's. Errors:
// communication; those of a space's file and of a run's settings.
void share_search(SearchConfig& config, std::vector<AngleSums>& sums, Communicator& communicator);

}  // namespace rlnas
