// Time on the device that work is queued on, and what is worth writing down beside it. CUDA: events on the
// backend's stream (cuda/device_timer.cu). Otherwise the host's clock between two waits (no_cuda/).
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/backend.h"

namespace rlnas::bench {

double device_time_s(Backend& backend, const std::function<void()>& queue_work);

// Leaves nothing of what was read before in a cache of the device. Nothing on the CPU, where the benchmark
// goes on to other memory instead.
void flush_device_cache(Backend& backend);

// Name and text: driver, run time, clocks as they are now.
std::vector<std::pair<std::string, std::string>> device_facts(Backend& backend);

// Of the device's memory, from its clock and width; 0 where they are not known.
double theoretical_gbs();

}  // namespace rlnas::bench
