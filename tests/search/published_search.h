// A space's published search, of made-up weights.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "search/search_run.h"
#include "search/spaces.h"
#include "tests/search/fake_run.h"
#include "tests/support/errors.h"

namespace rlnas::test {

// Under its published limit.
inline SearchConfig published_search(const std::string& space) {
  const SearchDefaults defaults = search_defaults(space);
  SearchConfig config;
  config.space.name = space;
  config.space.classes = defaults.classes;
  config.space.image_size = defaults.image_size;
  if (defaults.max_mflops > 0.0)
    config.space.constraint.max_macs = std::int64_t(defaults.max_mflops) * 1'000'000;
  config.evolution = defaults.evolution;
  return config;
}

inline std::vector<AngleSums> published_sums(const std::string& space, std::uint64_t seed) {
  return random_sums(supernet_segments(space, search_defaults(space).classes), seed);
}

// What run_search says when it refuses.
inline std::string refusal(ErrorCode code, const SearchConfig& config, const std::vector<AngleSums>& sums) {
  return error_of(code, [&] { run_search(config, sums); });
}

}  // namespace rlnas::test
