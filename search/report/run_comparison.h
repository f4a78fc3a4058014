// Runs side by side: how each was trained, and what a search of it found.
#pragma once

#include <string>
#include <vector>

#include "search/report/reported_run.h"

namespace rlnas {

// Run directories as --compare names them, labelled by their last parts. A search is the one in the directory
// itself, else the one in its subdirectory report/. Errors: usage for none at all; as of read_reported_run().
std::vector<ReportedRun> read_compared_runs(const std::vector<std::string>& directories);

// A table of the trainings, and one of the searches where there are any; "-": not known. Loss (nats), mean
// angle (rad) and images/s are of the last whole epoch; true accuracies, in percent, are those of the
// architecture found, three of each search at most.
std::string comparison_text(const std::vector<ReportedRun>& runs);

// {schema, runs[{run, space, arch, data, labels, seed, epochs, loss, angle_mean_rad, images_per_s, test_top1
// (0..1), search{method, score, seed, evaluations, arch, value, macs, params, truth{<column>: percent}}}]};
// what is not known is null.
std::string comparison_json(const std::vector<ReportedRun>& runs);

}  // namespace rlnas
