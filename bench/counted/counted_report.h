// Counted steps as text: a line of a table, and JSON.
#pragma once

#include <span>
#include <string>

#include "bench/counted/counted_steps.h"

namespace rlnas::bench {

// Markdown, two lines. N: batch; lib: library calls; waits of the host, and now: those for the same step; GB
// moved, and of them what is assumed; scratch in MiB, memory in GB, least times of device and host in ms.
std::string table_head();
// One line of it.
std::string table_line(const CountedStep& step);
// The works that take longest by the bound, as lines of a table of their own.
std::string table_of_kernels(const CountedStep& step, int count);

// {"label": "counted", "constants": {...}, "steps": [...]}
std::string json_of(std::span<const CountedStep> steps);

}  // namespace rlnas::bench
