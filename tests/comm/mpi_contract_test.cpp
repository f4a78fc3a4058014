// Run by CTest under mpirun: every rank is this program.
#include <doctest/doctest.h>

#include "engine/comm/launch.h"
#include "tests/comm/contract.h"

namespace rlnas {

TEST_CASE("sums in rank order, broadcasts and gathers by MPI") {
  const std::unique_ptr<Communicator> communicator = make_communicator(60.0);
  REQUIRE(communicator->size() == 3);
  REQUIRE(communicator->description().find("by MPI") != std::string::npos);
  test::check_contract(*communicator);
}

}  // namespace rlnas
