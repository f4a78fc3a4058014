#include "engine/comm/mpi_communicator.h"
#include "kernels/check.h"

namespace rlnas {

std::unique_ptr<Communicator> make_mpi_communicator(const RankPlace&, double) {
  fail(ErrorCode::usage,
       "started by mpirun, but built without MPI: install libopenmpi-dev and build again, or set RANK, "
       "WORLD_SIZE, MASTER_ADDR and MASTER_PORT");
}

}  // namespace rlnas
