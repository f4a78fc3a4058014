#include "engine/comm/launch.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "engine/comm/mpi_communicator.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr int kMaxRanks = 1 << 16;
// Programs do not start at the same moment: for that a short --comm-timeout does not count.
constexpr double kShortestMeetingS = 60.0;

struct Variables {
  const char *size, *rank, *local_rank, *local_size;
};
// Open MPI; MPICH and its relatives; srun --mpi=pmix.
constexpr Variables kMpiVariables[] = {
    {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {"PMI_SIZE", "PMI_RANK", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
    {"SLURM_NTASKS", "PMIX_RANK", "SLURM_LOCALID", "SLURM_NTASKS_PER_NODE"},
};
constexpr const char* kTorchVariables[] = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"};

int number(const Environment& environment, const char* name, int low, int high) {
  const std::string_view text = environment(name);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  RLNAS_CHECK(error == std::errc() && end == text.data() + text.size() && value >= low && value <= high,
              usage, "environment variable ", name, ": '", text, "' is not a number in ", low, "..", high);
  return value;
}

int number_or(const Environment& environment, const char* name, int low, int high, int otherwise) {
  return environment(name) == nullptr ? otherwise : number(environment, name, low, high);
}

RankPlace place_of(const Environment& environment, const Variables& names) {
  RankPlace place;
  place.size = number(environment, names.size, 1, kMaxRanks);
  place.rank = number(environment, names.rank, 0, place.size - 1);
  place.local_size = number_or(environment, names.local_size, 1, place.size, place.size);
  place.local_rank = number_or(environment, names.local_rank, 0, place.size - 1, place.rank);
  return place;
}

// torchrun's agent may keep a store of its own at MASTER_PORT, and says so: then the ranks meet one port on.
int meeting_port(const Environment& environment) {
  const int port = number(environment, "MASTER_PORT", 1, 65535);
  const char* const agent = environment("TORCHELASTIC_USE_AGENT_STORE");
  return agent != nullptr && std::string_view(agent) == "True" ? port % 65535 + 1 : port;
}

}  // namespace

Launch read_launch(const Environment& environment) {
  const char* missing = nullptr;
  const char* present = nullptr;
  for (const char* name : kTorchVariables) (environment(name) == nullptr ? missing : present) = name;
  Launch launch;
  if (present != nullptr && missing == nullptr) {
    launch.place = place_of(environment, {"WORLD_SIZE", "RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE"});
    launch.host = environment("MASTER_ADDR");
    launch.port = meeting_port(environment);
    launch.kind = LaunchKind::tcp;
  } else {
    for (const Variables& names : kMpiVariables) {
      if (environment(names.size) == nullptr || environment(names.rank) == nullptr) continue;
      launch.place = place_of(environment, names);
      launch.kind = LaunchKind::mpi;
      break;
    }
    RLNAS_CHECK(launch.kind == LaunchKind::mpi || present == nullptr, usage, "environment variable ", missing,
                " is not set, but ", present,
                " is: a run of several ranks needs RANK, WORLD_SIZE, MASTER_ADDR ",
                "and MASTER_PORT, a single process none of them");
  }
  if (launch.place.size == 1) launch = {};
  return launch;
}

std::unique_ptr<Communicator> make_communicator(double timeout_s, const std::string& token) {
  const Launch launch = read_launch([](const char* name) { return std::getenv(name); });
  switch (launch.kind) {
    case LaunchKind::tcp:
      return std::make_unique<TcpCommunicator>(
          TcpSpec{.place = launch.place,
                  .host = launch.host,
                  .port = launch.port,
                  .timeout_s = timeout_s,
                  .meeting_timeout_s = std::max(timeout_s, kShortestMeetingS),
                  .token = token});
    case LaunchKind::mpi:
      return make_mpi_communicator(launch.place, timeout_s);
    case LaunchKind::single:
      break;
  }
  return std::make_unique<SingleProcess>();
}

}  // namespace rlnas
