// What a search saves after each generation: the candidates it evaluated and their values. Everything else of
// a search is a function of its options, so this is enough to go on bit-equal to a run that never stopped.
#pragma once

#include <string>
#include <vector>

#include "search/evolution.h"

namespace rlnas {

// `fingerprint` names what the values depend on (space, score, weights); it must match on reading.
// Errors: data when the file cannot be written.
void write_search_state(const std::string& path, const std::string& fingerprint, const EvolutionRun& run);

// The evaluated candidates, in order. Errors: data when the file is missing, malformed or of another search.
std::vector<Candidate> read_search_state(const std::string& path, const std::string& fingerprint);

}  // namespace rlnas
