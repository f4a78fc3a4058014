// rlnas as a library: all of it. The layers by themselves, each with an example at its head:
//   rlnas/kernels.hpp   devices, memory on them, every primitive with its cost; angles of weights anywhere
//   rlnas/network.hpp   networks of your own: forward, backward, training steps
//   rlnas/search.hpp    spaces, training runs, angles, indicators, searches, exports
// All throw rlnas::Error (rlnas/error.hpp) with one clear line; nothing prints, exits or installs handlers.
// An object is used by one thread at a time; different ones by as many as you like. From C: rlnas.h.
#pragma once

#include "rlnas/kernels.hpp"
#include "rlnas/network.hpp"
#include "rlnas/search.hpp"
