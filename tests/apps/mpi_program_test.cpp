// rlnas_train and rlnas_search under mpirun. Only where MPI is built in.
#include <doctest/doctest.h>

#include "tests/support/child_process.h"
#include "tests/support/ranks.h"

namespace rlnas {
namespace {

using test::ChildProcess;
using test::Outcome;
using test::read_text;
using test::TemporaryDirectory;

const std::vector<std::string> kTrain = {RLNAS_TRAIN, "--data",       "synthetic:96", "--image-size",
                                         "16",        "--batch-size", "16",           "--log-every",
                                         "1",         "--device",     "cpu"};

std::vector<std::string> operator+(std::vector<std::string> arguments, const std::vector<std::string>& more) {
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

// Open MPI in a container: root, and many ranks on few cores, are meant. It leaks what it allocates at start.
const std::vector<std::string> kEnvironment = {"OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                                               "OMPI_MCA_rmaps_base_oversubscribe=1",
                                               "ASAN_OPTIONS=detect_leaks=0"};
const std::vector<std::string> kMpirun = {RLNAS_MPIEXEC, RLNAS_MPIEXEC_NUMPROC_FLAG, "2"};

Outcome mpirun(const TemporaryDirectory& directory, const std::vector<std::string>& arguments,
               const std::vector<std::string>& environment = {}) {
  return ChildProcess(directory, kMpirun + arguments, kEnvironment + environment).wait();
}

Outcome run(const TemporaryDirectory& directory, std::vector<std::string> arguments) {
  return ChildProcess(directory, std::move(arguments)).wait();
}

}  // namespace

TEST_CASE("two ranks by MPI give the bits of two ranks by TCP") {
  const TemporaryDirectory directory, other;
  const Outcome mpi =
      mpirun(directory, kTrain + std::vector<std::string>{"--epochs", "2", "--out", directory / "mpi"});
  INFO(mpi.err);
  CHECK(mpi.exit_code == 0);
  CHECK(mpi.out.find("by MPI") != std::string::npos);
  const std::vector<std::string> arguments =
      kTrain + std::vector<std::string>{"--epochs", "2", "--out", directory / "tcp"};
  const test::ReservedPort reserved;
  const std::string port = "MASTER_PORT=" + std::to_string(reserved.number());
  const ChildProcess second(other, arguments, {"RANK=1", "WORLD_SIZE=2", "MASTER_ADDR=127.0.0.1", port});
  CHECK(ChildProcess(directory, arguments, {"RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=127.0.0.1", port})
            .wait()
            .exit_code == 0);
  CHECK(second.wait().exit_code == 0);
  CHECK(read_text(directory / "mpi/latest.safetensors") == read_text(directory / "tcp/latest.safetensors"));

  const std::vector<std::string> search = {RLNAS_SEARCH, "--supernet", directory / "mpi", "--json", "-"};
  const Outcome one = run(directory, search), two = mpirun(directory, search);
  CHECK(two.exit_code == 0);
  CHECK(two.out == one.out);
}

TEST_CASE("a rank that hangs under mpirun ends the run after --comm-timeout with exit code 5") {
  const TemporaryDirectory directory;
  // The last rank stops itself for good once rank 0 has written some steps.
  const std::string script =
      "if [ \"$OMPI_COMM_WORLD_RANK$PMI_RANK\" = 1 ]; then "
      "\"$@\" & child=$!; until [ \"$(wc -l < \"$EVENTS\" 2>/dev/null || echo 0)\" -ge 4 ]; do sleep 0.05; "
      "done; "
      "kill -STOP $child; wait $child; else exec \"$@\"; fi";
  const std::string out = directory / "run";
  const Outcome outcome =
      mpirun(directory,
             std::vector<std::string>{"/bin/sh", "-c", script, "sh"} + kTrain +
                 std::vector<std::string>{"--epochs", "1000", "--comm-timeout", "2", "--out", out},
             {"EVENTS=" + out + "/events.jsonl"});
  INFO(outcome.err);
  CHECK(outcome.exit_code == 5);
  CHECK(outcome.err.find("rlnas_train: rank 0, step ") != std::string::npos);
  CHECK(outcome.err.find("no progress for 2 s, waiting for the other ranks") != std::string::npos);
}

}  // namespace rlnas
