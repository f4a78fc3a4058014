// Ranks started by mpirun. MPI is seen in mpi_communicator.cpp alone; no_mpi.cpp is its twin in builds
// without it.
#pragma once

#include <memory>

#include "engine/comm/communicator.h"

namespace rlnas {

// place: what mpirun's variables say; MPI's own word is final. Starts MPI, which can be done once in a
// process. Errors: communication; usage in a build without MPI.
std::unique_ptr<Communicator> make_mpi_communicator(const RankPlace& place, double timeout_s);

}  // namespace rlnas
