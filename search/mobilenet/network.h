// The networks of the MobileNet space (method.md 6; ProxylessNAS' GPU layout): stem, one fixed block, 21
// choice blocks of six inverted residuals each, or none where a block may be the identity, head.
#pragma once

#include <span>
#include <vector>

#include "search/space.h"

namespace rlnas::mobilenet {

Graph network(const NetworkOptions& options, std::span<const Genes> paths);
std::vector<ChoiceSite> choice_sites(const NetworkOptions& options);

}  // namespace rlnas::mobilenet
