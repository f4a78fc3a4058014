// How this process was started, read from its environment: alone, by mpirun, or in the way of torchrun.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/comm/communicator.h"
#include "engine/comm/tcp_communicator.h"

namespace rlnas {

enum class LaunchKind { single, mpi, tcp };

struct Launch {
  LaunchKind kind = LaunchKind::single;
  RankPlace place;
  std::string host;  // of rank 0; tcp
  int port = 0;      // likewise
};

// The value of a variable, or null.
using Environment = std::function<const char*(const char* name)>;

// RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, all four, mean torchrun's way (LOCAL_RANK and
// LOCAL_WORLD_SIZE may be missing: all ranks on one machine). Otherwise mpirun's variables are looked for.
// One rank is a single process either way. Errors: usage, naming the variable, when some of the four are
// missing or wrong.
Launch read_launch(const Environment& environment);

// The communicator of the process's environment, with all ranks met. token: that all ranks over TCP show each
// other; empty: none. Errors: those of read_launch; communication.
std::unique_ptr<Communicator> make_communicator(double timeout_s, const std::string& token = "");

}  // namespace rlnas
