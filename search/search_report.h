// A search report and an architecture's description as text for people, JSON with stable keys, and CSV.
#pragma once

#include <iosfwd>
#include <string>

#include "search/search_run.h"

namespace rlnas {

void print_report(std::ostream& out, const SearchReport& report);

// index and enumeration_index are NAS-Bench-201's; method exact and --gap add optimum{what best has,
// proven,bound_rad,nodes,gap_rad}; limits add random_proposals{new,within_limits,acceptance}, and a search
// that ran out of proposals short_generations. Keys:
// best{arch,index,enumeration_index,angle_rad,op_angle_sum,macs,params,truth{<column>{accuracy,rank,
// percentile}}}, top[...], correlation{<column>{kendall_tau_b,kendall_tau_rank,spearman (of the chosen
// score),live{the same over architectures without unreachable operations},equal_macs{kendall_tau_b},
// angle{...},op_angle_sum{...},baseline_macs{...},baseline_params{...}}},top_truth{<column>{best,mean}}, and
// the run's settings. A correlation that is undefined (a constant score) is null.
std::string report_json(const SearchReport& report);

// One line per evaluated architecture, in the order of evaluation: enumeration_index (of spaces that can be
// enumerated),arch,the keys of the indicators told (angle_rad,op_angle_sum,macs,params and those of the
// score),score (of a sum of ranks),generation (from 1; empty where the method has none),rank (by the score
// searched for, 1 is the best), with a table of true accuracies its columns as truth_COLUMN; an arch with
// commas in double quotes; values round-trip, and --scores takes them back.
std::string report_csv(const SearchReport& report);

// What can be said of one architecture without a SuperNet. Keys: space, arch, index and enumeration_index (of
// spaces with a public benchmark), macs, params, live_paths and multiplicity[edge] (of each kind of cell by
// its name, where there are several), angle_vector_length.
void print_description(std::ostream& out, const SearchSpace& space, const Genes& genes);
std::string description_json(const SearchSpace& space, const Genes& genes);

// Writes a report file in one piece. Errors: data, naming `flag`, when `path` cannot be written or is there
// and not a regular file.
void write_report_file(const std::string& flag, const std::string& path, const std::string& text);

}  // namespace rlnas
