// Reading how a process was started.
#include "engine/comm/launch.h"

#include <doctest/doctest.h>

#include <map>

#include "kernels/check.h"

namespace rlnas {
namespace {

using Variables = std::map<std::string, std::string>;

Launch launch_of(const Variables& variables) {
  return read_launch([&](const char* name) -> const char* {
    const auto it = variables.find(name);
    return it == variables.end() ? nullptr : it->second.c_str();
  });
}

const Variables kTorch{{"RANK", "3"},
                       {"WORLD_SIZE", "4"},
                       {"LOCAL_RANK", "1"},
                       {"LOCAL_WORLD_SIZE", "2"},
                       {"MASTER_ADDR", "node0"},
                       {"MASTER_PORT", "29500"}};

void check_usage(const Variables& variables, const std::string& mentions) {
  try {
    launch_of(variables);
    FAIL("no error was thrown");
  } catch (const Error& error) {
    INFO(std::string(error.what()));
    CHECK(error.code() == ErrorCode::usage);
    CHECK(std::string(error.what()).find(mentions) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("an environment that says nothing is a single process") {
  CHECK(launch_of({}).kind == LaunchKind::single);
  CHECK(launch_of({{"LOCAL_RANK", "1"}}).kind == LaunchKind::single);
}

TEST_CASE("the variables of torchrun") {
  const Launch launch = launch_of(kTorch);
  CHECK(launch.kind == LaunchKind::tcp);
  CHECK(launch.place.rank == 3);
  CHECK(launch.place.size == 4);
  CHECK(launch.place.local_rank == 1);
  CHECK(launch.place.local_size == 2);
  CHECK(launch.host == "node0");
  CHECK(launch.port == 29500);

  Variables one_machine = kTorch;
  one_machine.erase("LOCAL_RANK");
  one_machine.erase("LOCAL_WORLD_SIZE");
  CHECK(launch_of(one_machine).place.local_rank == 3);
  CHECK(launch_of(one_machine).place.local_size == 4);

  Variables agent_store = kTorch;
  agent_store["TORCHELASTIC_USE_AGENT_STORE"] = "True";  // MASTER_PORT is taken by torchrun itself
  CHECK(launch_of(agent_store).port == 29501);

  Variables alone = kTorch;
  alone["RANK"] = "0";
  alone["LOCAL_RANK"] = "0";
  alone["WORLD_SIZE"] = alone["LOCAL_WORLD_SIZE"] = "1";
  CHECK(launch_of(alone).kind == LaunchKind::single);
}

TEST_CASE("half-set and wrong variables are named") {
  for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}) {
    Variables variables = kTorch;
    variables.erase(name);
    check_usage(variables, std::string("environment variable ") + name + " is not set");
  }
  for (const auto& [name, value] : std::multimap<std::string, std::string>{{"RANK", "4"},
                                                                           {"RANK", "-1"},
                                                                           {"WORLD_SIZE", "two"},
                                                                           {"WORLD_SIZE", "0"},
                                                                           {"MASTER_PORT", "70000"},
                                                                           {"LOCAL_RANK", ""}}) {
    Variables variables = kTorch;
    variables[name] = value;
    check_usage(variables, "environment variable " + name + ": '" + value + "'");
  }
}

TEST_CASE("the variables of mpirun, whose master address is nobody's business") {
  const Variables open_mpi{{"OMPI_COMM_WORLD_SIZE", "4"},
                           {"OMPI_COMM_WORLD_RANK", "2"},
                           {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                           {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"},
                           {"PMIX_RANK", "2"},
                           {"MASTER_ADDR", "node0"}};
  const Launch launch = launch_of(open_mpi);
  CHECK(launch.kind == LaunchKind::mpi);
  CHECK(launch.place.rank == 2);
  CHECK(launch.place.size == 4);
  CHECK(launch.place.local_rank == 0);
  CHECK(launch.place.local_size == 2);
  CHECK(launch_of({{"PMI_SIZE", "3"}, {"PMI_RANK", "1"}}).kind == LaunchKind::mpi);
  CHECK(launch_of({{"SLURM_NTASKS", "3"}, {"PMIX_RANK", "1"}}).kind == LaunchKind::mpi);
  CHECK(launch_of({{"SLURM_NTASKS", "3"}}).kind == LaunchKind::single);
  CHECK(launch_of({{"OMPI_COMM_WORLD_SIZE", "1"}, {"OMPI_COMM_WORLD_RANK", "0"}}).kind == LaunchKind::single);

  Variables both = kTorch;
  both.insert(open_mpi.begin(), open_mpi.end());
  CHECK(launch_of(both).kind == LaunchKind::tcp);
}

}  // namespace rlnas
