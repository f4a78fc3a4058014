// The programs as a user runs them, on the simulated device: exit codes, messages, and the fall back to the
// CPU.
#include <cudnn.h>
#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <sstream>

#include "tests/support/rank_programs.h"

namespace rlnas::test {
namespace {

Outcome run(const TemporaryDirectory& directory, const std::string& simulated_gpu,
            std::vector<std::string> arguments) {
  setenv("SIMULATED_GPU", simulated_gpu.c_str(), 1);
  return ChildProcess(directory, std::move(arguments)).wait();
}

std::vector<std::string> training(const std::string& out, const std::string& device) {
  return {RLNAS_TRAIN_SIM,
          "--data",
          "synthetic:4",
          "--image-size",
          "16",
          "--batch-size",
          "4",
          "--epochs",
          "1",
          "--device",
          device,
          "--threads",
          "1",
          "--out",
          out};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("rlnas_train and rlnas_search run on the simulated device, and say which it is") {
  const TemporaryDirectory directory;
  const std::string out = directory / "run";
  const Outcome trained = run(directory, "policy=needed_last", training(out, "auto"));
  INFO(trained.err);
  REQUIRE(trained.exit_code == 0);
  CHECK(has(trained.out, "device: cuda:0: Simulated NVIDIA H100"));
  const auto search = [&](const std::string& device) {
    return run(directory, "policy=newest_stream_first",
               {RLNAS_SEARCH_SIM, "--supernet", out, "--method", "exhaustive", "--device", device,
                "--threads", "1"});
  };
  const Outcome cuda = search("cuda"), cpu = search("cpu");
  INFO(cuda.err);
  CHECK(cuda.exit_code == 0);
  CHECK(cuda.out == cpu.out);
}

TEST_CASE("device errors end in one line on stderr and exit code 4") {
  const TemporaryDirectory directory;
  const auto check = [&](const std::string& simulated_gpu, const std::string& device,
                         const std::string& mentions) {
    const Outcome outcome = run(directory, simulated_gpu, training(directory / "run", device));
    INFO(simulated_gpu);
    INFO(outcome.err);
    CHECK(outcome.exit_code == 4);
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    CHECK(has(outcome.err, mentions));
    std::filesystem::remove_all(directory / "run");
  };
  check("presence=no_driver", "cuda", "no NVIDIA driver");
  check("presence=no_device", "cuda:0", "no CUDA-capable device");
  check("presence=no_image device=t4", "cuda",
        "Tesla T4 cannot run the kernels of this build (CUDA kernel fill_kernel: no kernel image is "
        "available for "
        "execution on the device); build with -DCMAKE_CUDA_ARCHITECTURES=75");
  check("cudnn=90100", "cuda", "cuDNN 9.1.0 was found, this build needs 9.");
  check("cudnn=80907", "cuda", "cuDNN 8.9.7 was found");
  check("", "cuda:1", "cuda:1");
  check("memory=20000000", "cuda", "--batch-size");
  check("fail=allocate:3", "cuda", "memory");
  check("fail=allocate_host:1", "cuda", "memory");
  check("fail=launch:20", "cuda", "kernel");
  check("fail=cudnn:10", "cuda", "cuDNN");
  check("fail=execute:100", "cuda", "unspecified launch failure");
}

TEST_CASE("auto falls back to the CPU where CUDA cannot be used, and says why") {
  for (const auto& [simulated_gpu, why] :
       {std::pair{"presence=no_driver", "no NVIDIA driver"},
        std::pair{"presence=no_image", "cannot run the kernels of this build"},
        std::pair{"cudnn=90100", "cuDNN 9.1.0 was found"}}) {
    const TemporaryDirectory directory;
    const Outcome outcome = run(directory, simulated_gpu, training(directory / "run", "auto"));
    INFO(outcome.err);
    CHECK(outcome.exit_code == 0);
    CHECK(has(outcome.out, "cpu, chosen by auto"));
    CHECK(has(outcome.out, why));
  }
}

TEST_CASE("an older cuDNN of the same minor version, and any newer one, is taken") {
  for (const int version : {CUDNN_VERSION / 100 * 100, 99999}) {
    const TemporaryDirectory directory;
    const Outcome outcome =
        run(directory, "cudnn=" + std::to_string(version), training(directory / "run", "cuda"));
    INFO(outcome.err);
    CHECK(outcome.exit_code == 0);
  }
}

TEST_CASE("two ranks on a machine with one device are refused: none shares it, none goes its own way") {
  setenv("SIMULATED_GPU", "", 1);
  for (const char* const device : {"cuda", "auto"}) {
    CAPTURE(std::string(device));
    const TemporaryDirectory directory;
    for (const Outcome& outcome : RankPrograms(2, training(directory / "run", device)).wait()) {
      INFO(outcome.err);
      CHECK(outcome.exit_code == 4);
      CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
      CHECK(has(outcome.err, "ranks 0 and 1 have one device"));
    }
    CHECK(!std::filesystem::exists(directory / "run/latest.safetensors"));
  }
}

TEST_CASE("three ranks on a machine with two devices are refused") {
  setenv("SIMULATED_GPU", "devices=2", 1);
  const TemporaryDirectory directory;
  const std::vector<Outcome> outcomes = RankPrograms(3, training(directory / "run", "cuda")).wait();
  for (std::size_t rank = 0; rank < 3; ++rank) {
    CAPTURE(rank);
    INFO(outcomes[rank].err);
    CHECK(outcomes[rank].exit_code == (rank == 2 ? 4 : 5));
    CHECK(has(outcomes[rank].err, rank == 2 ? "there is no device cuda:2, the machine has 2" : "lost rank"));
  }
}

TEST_CASE("NVTX shows the stages of a step one after the other, each once in a row") {
  const TemporaryDirectory directory;
  const std::string log = directory / "nvtx";
  setenv("NVTX_INJECTION64_PATH", RLNAS_NVTX_LOG, 1);
  setenv("NVTX_LOG", log.c_str(), 1);
  const Outcome outcome = run(directory, "", training(directory / "run", "cuda"));
  unsetenv("NVTX_INJECTION64_PATH");
  unsetenv("NVTX_LOG");
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);

  std::istringstream lines(read_text(log));
  std::string opened, before, last;
  for (std::string line; std::getline(lines, line);) {
    CHECK(line.rfind(before.empty() ? "open " : "close", 0) == 0);  // never one within another
    before = before.empty() ? line : "";
    if (before.empty()) continue;
    const std::string stage = line.substr(5);
    CHECK(stage != last);
    last = stage;
    opened += stage + ",";
  }
  CHECK(before.empty());  // the last one is closed
  INFO(opened);
  CHECK(has(opened, "input forward,stem forward,"));
  CHECK(has(opened, "head forward,loss forward,head backward,"));  // the loss has made its gradient
  CHECK(has(opened, "stem backward,optimiser forward,"));
}

}  // namespace rlnas::test
