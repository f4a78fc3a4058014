// A backend that executes nothing: it answers every call at once and writes down what it was asked to do.
// Walking a real network over it gives the network table, the FLOPs and the exact list of problems a device
// backend has to plan. Its memory is address space only: never dereference it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "kernels/backend.h"
#include "rlnas/recorded_call.hpp"

namespace rlnas {

// Room for an arena on it, which costs nothing but addresses. ThreadSanitizer leaves less than 2 TiB of them
// to all arenas of a process together, in pieces that are not the same from one start to the next.
#ifdef __SANITIZE_THREAD__
inline constexpr std::size_t kDryArenaBytes = std::size_t{1} << 36;
#else
inline constexpr std::size_t kDryArenaBytes = std::size_t{1} << 40;
#endif

// `like`: a real backend whose workspace sizes are answered, so that planned memory is right. May be null.
// before_planning: called before each question to it, which may take a device's backend a second; what it
// throws ends the run.
std::unique_ptr<Backend> make_dry_backend(std::vector<RecordedCall>* calls, Backend* like,
                                          std::function<void()> before_planning = {});

}  // namespace rlnas
