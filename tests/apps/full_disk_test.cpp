// rlnas_train on a disk that is full.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

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
  std::vector<std::string> command = small_run(out, {});
  if (!mounted) {  // blocks of 512 bytes
    const std::string limits = "trap '' XFSZ; ulimit -f " + std::to_string(kLeft / 512);
    command.insert(command.begin(), {"/bin/sh", "-c", limits + "; exec \"$0\" \"$@\""});
  }
  const Outcome full = ChildProcess(directory, command).wait();
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

}  // namespace rlnas
