// rlnas_train at the limits of a machine: a disk that is full, and the memory that the dry run speaks of.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace rlnas {
namespace {

using test::ChildProcess;
using test::Outcome;
using test::read_text;
using test::TemporaryDirectory;

std::vector<std::string> small_run(const std::string& out, const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {RLNAS_TRAIN,    "--data",   "synthetic:96",
                                        "--image-size", "16",       "--batch-size",
                                        "16",           "--device", "cpu",
                                        "--epochs",     "2",        "--resume",
                                        "auto",         "--out",    out};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

void run_program(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  execv(argv[0], argv.data());
  _exit(127);
}

// Puts a file system of 48 MiB there, seen by this process and its children alone. False where it may not.
bool mount_small_disk(const std::string& path) {
  return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("tmpfs", path.c_str(), "tmpfs", 0, "size=48m") == 0;
}

// Leaves so many bytes of the disk.
void fill_disk(const std::string& filler, std::uintmax_t left) {
  std::ofstream file(filler, std::ios::binary);
  const std::string zeros(1 << 16, '\0');
  while (file.write(zeros.data(), std::streamsize(zeros.size())).flush()) continue;
  file.close();
  std::filesystem::resize_file(filler, std::filesystem::file_size(filler) - left);
}

// Ends this process's writing of files behind so many bytes.
void limit_files(rlim_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_FSIZE, &limit);
}

}  // namespace

TEST_CASE("a full disk ends a run in one line and exit code 3, and the old checkpoint goes on") {
  const TemporaryDirectory directory;
  const std::string disk = directory / "disk", out = disk + "/run";
  std::filesystem::create_directory(disk);
  const bool mounted = mount_small_disk(disk);
  if (!mounted)
    MESSAGE("no file system of its own (", std::strerror(errno), "): a limit on the size of files instead");
  REQUIRE(ChildProcess(directory, small_run(out, {"--steps", "6"})).wait().exit_code == 0);
  const std::string resume = read_text(out + "/resume.safetensors"),
                    latest = read_text(out + "/latest.safetensors");

  constexpr std::size_t kLeft = std::size_t{1} << 20;  // a checkpoint has 14 MB
  if (mounted) fill_disk(disk + "/filler", kLeft);
  const Outcome full = ChildProcess(directory, [&] {
                         if (!mounted) limit_files(kLeft);
                         run_program(small_run(out, {}));
                       }).wait();
  CHECK(full.exit_code == 3);
  CHECK(full.err == "rlnas_train: " + out + "/resume.safetensors: cannot be written: " +
                        std::strerror(mounted ? ENOSPC : EFBIG) + "\n");
  CHECK(read_text(out + "/resume.safetensors") == resume);
  CHECK(read_text(out + "/latest.safetensors") == latest);
  for (const auto& entry : std::filesystem::directory_iterator(out))
    CHECK(entry.path().extension() != ".tmp");

  std::filesystem::remove(disk + "/filler");
  const Outcome resumed = ChildProcess(directory, small_run(out, {})).wait();
  CHECK(resumed.exit_code == 0);
  CHECK(resumed.out.find("resumed from " + out + " at step 6\n") != std::string::npos);
  REQUIRE(ChildProcess(directory, small_run(directory / "straight", {})).wait().exit_code == 0);
  CHECK(read_text(out + "/latest.safetensors") == read_text(directory / "straight/latest.safetensors"));
  if (mounted) umount2(disk.c_str(), MNT_DETACH);
}

TEST_CASE("a run is never larger in memory than the dry run said, beside 64 MiB for the program itself") {
  const TemporaryDirectory directory;
  const std::string out = directory / "run";
  // One architecture, so that every step is the largest; three of 340 MiB.
  const pid_t process = fork();
  if (process == 0) {
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) dup2(open("/dev/null", O_WRONLY), stream);
    run_program(
        {RLNAS_TRAIN, "--data", "synthetic:64", "--arch",
         "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
         "--batch-size", "64", "--steps", "3", "--save-every", "0.00001", "--device", "cpu", "--threads", "2",
         "--out", out});
  }
  int status = -1;
  rusage usage = {};
  REQUIRE(wait4(process, &status, 0, &usage) == process);
  REQUIRE(status == 0);
  const auto run = nlohmann::json::parse(read_text(out + "/run.json"));
  constexpr double kMiB = 1 << 20, kProgram = 64.0, kImages = 64 * 32 * 32 * 3 / kMiB;
  const double planned = run["planned_memory_bytes"].get<double>() / kMiB + kImages;
  const double resident = double(usage.ru_maxrss) / 1024.0;
  INFO(resident << " MiB resident, " << planned << " planned");
  CHECK(planned > 300.0);
  CHECK(resident > 0.9 * planned);  // the plan is used
  CHECK(resident < planned + kProgram);
}

}  // namespace rlnas
