// Files that are replaced whole, and the lock on a directory of them: writes that fail, writers that die, and
// two at a time.
#include "engine/atomic_file.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>
#include <thread>

#include "engine/file_lock.h"
#include "engine/safetensors.h"
#include "kernels/check.h"
#include "tests/support/errors.h"
#include "tests/support/temporary_directory.h"

namespace rlnas {
namespace {

using test::contains;
using test::error_of;
using test::read_text;
using test::TemporaryDirectory;
using test::write_text;

std::size_t file_count(const TemporaryDirectory& directory) {
  const std::filesystem::directory_iterator all(directory.path());
  return std::size_t(std::distance(begin(all), end(all)));
}

// A child that reports how far it is by one byte at a time, and goes on only when it is told to.
class Child {
 public:
  // body(step): tells the parent that a step is done, and waits for its word.
  explicit Child(const std::function<void(const std::function<void()>& step)>& body) {
    REQUIRE(pipe(reports_) == 0);
    REQUIRE(pipe(words_) == 0);
    process_ = fork();
    if (process_ != 0) return;
    close(words_[1]);  // the child ends with its parent
    body([&] {
      char byte = 0;
      if (write(reports_[1], &byte, 1) != 1 || read(words_[0], &byte, 1) != 1) _exit(1);
    });
    _exit(0);
  }
  ~Child() {
    kill_now();
    for (const int end : {reports_[0], reports_[1], words_[0], words_[1]}) close(end);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void wait_for_step() const {
    char byte = 0;
    REQUIRE(read(reports_[0], &byte, 1) == 1);
  }
  void go_on() const { REQUIRE(write(words_[1], "", 1) == 1); }
  void kill_now() {
    if (process_ == 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    process_ = 0;
  }
  pid_t process() const { return process_; }

 private:
  int reports_[2] = {}, words_[2] = {};
  pid_t process_ = 0;
};

TensorFile file_of(float value) {
  TensorFile file;
  file.tensors = {{"w", {1 << 18}, std::vector<float>(1 << 18, value)}};
  return file;
}

}  // namespace

TEST_CASE("a write that fails keeps the old file and leaves nothing behind") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "a.safetensors");
  write_safetensors(path, file_of(1.0f));
  const std::string old = read_file(path);

  // A limit on file size stands in for a full disk; in a child, because it cannot be lifted again.
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{64, 64};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_safetensors(path, file_of(2.0f));
    } catch (const Error& error) {
      _exit(error.code() == ErrorCode::data && contains(error.what(), path) ? 0 : 1);
    }
    _exit(2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(read_file(path) == old);
  CHECK(file_count(directory) == 1);
  CHECK_THROWS_AS(write_safetensors((directory / "no/such/directory"), file_of(1.0f)), Error);
}

TEST_CASE("files get the mode that the process's mask allows, copies too") {
  const TemporaryDirectory directory;
  const auto mode_of = [](const std::string& path) {
    struct stat status = {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777;
  };
  for (const mode_t mask : {mode_t{022}, mode_t{077}}) {
    const mode_t before = umask(mask);
    write_file_atomically(directory / "a", "text");
    copy_file_atomically(directory / "a", directory / "b");
    umask(before);
    CHECK(mode_of(directory / "a") == (0644 & ~mask));
    CHECK(mode_of(directory / "b") == (0644 & ~mask));
  }
  CHECK(read_text(directory / "b") == "text");
  CHECK(contains(error_of(ErrorCode::data, [&] { copy_file_atomically(directory / "c", directory / "b"); }),
                 directory / "c"));
  CHECK(read_text(directory / "b") == "text");
  CHECK(file_count(directory) == 2);
}

TEST_CASE("two writers of one file do not disturb each other: the last to commit wins, whole") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  AtomicFile first(path);
  first.write("first, ");
  {
    AtomicFile second(path);
    second.write("second");
    first.write("and whole");
    second.commit();
    CHECK(read_text(path) == "second");
  }
  first.commit();
  CHECK(read_text(path) == "first, and whole");

  std::vector<std::jthread> threads;
  for (const char letter : {'a', 'b', 'c', 'd'})
    threads.emplace_back([&path, letter] {
      for (int i = 0; i < 5; ++i) write_file_atomically(path, std::string(10000, letter));
    });
  threads.clear();
  const std::string text = read_text(path);
  CHECK(text == std::string(10000, text[0]));
  CHECK(file_count(directory) == 1);
}

TEST_CASE("kill -9 anywhere in a write leaves the old or the new file, and what it left is cleared away") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a";
  for (const int steps : {0, 1, 2, 3}) {
    write_text(path, "old");
    Child child([&](const std::function<void()>& step) {
      AtomicFile file(path);
      step();
      file.write("half");
      step();
      file.write(" and half");
      step();
      file.commit();
      step();
    });
    child.wait_for_step();
    for (int i = 0; i < steps; ++i) {
      child.go_on();
      child.wait_for_step();
    }
    remove_stale_temporaries(directory.path());  // of a living writer: stays
    CHECK(file_count(directory) == (steps < 3 ? 2 : 1));
    child.kill_now();
    CHECK(read_text(path) == (steps < 3 ? "old" : "half and half"));
    CHECK(file_count(directory) == (steps < 3 ? 2 : 1));
    remove_stale_temporaries(directory.path());
    CHECK(file_count(directory) == 1);
  }
  write_text(directory / "mine.tmp", "");
  write_text(directory / "a.rlnas-12-x.tmp", "");
  remove_stale_temporaries(directory.path());
  remove_stale_temporaries(directory / "missing");
  CHECK(file_count(directory) == 3);
}

TEST_CASE("kill -9 at a random moment of a checkpoint loses none that was written") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "a.safetensors");
  write_safetensors(path, file_of(0.0f));
  float last = 0.0f;
  for (int round = 0; round < 10; ++round) {
    Child child([&](const std::function<void()>& step) {
      for (float value = last + 1.0f;; value += 1.0f) {
        write_safetensors(path, file_of(value));
        step();
      }
    });
    for (int i = 0; i <= round % 3; ++i) {
      child.wait_for_step();
      last += 1.0f;
      child.go_on();
    }
    usleep(useconds_t(400 * round));  // into the next write, wherever that is by then
    child.kill_now();
    const std::vector<float> values = read_safetensors(path).tensors.at(0).data;
    CHECK(values.front() == values.back());
    CHECK(values.front() >= last);
    CHECK(values.front() <= last + 1.0f);
    last = values.front();
  }
  CHECK(last >= 19.0f);
}

TEST_CASE("a lock is held once, by this process or another, and is free when its holder dies") {
  const TemporaryDirectory directory;
  const std::string path = directory / ".lock";
  const auto refusal = [&] { return error_of(ErrorCode::usage, [&] { FileLock(path, "--out runs/a"); }); };
  {
    const FileLock lock(path, "--out runs/a");
    CHECK(lock.obstacle() == "");
    CHECK(contains(refusal(), "--out runs/a: in use by process " + std::to_string(getpid()) + " on "));
    CHECK(std::filesystem::exists(path));
  }
  CHECK(!std::filesystem::exists(path));
  Child child([&](const std::function<void()>& step) {
    const FileLock lock(path, "child");
    step();
  });
  child.wait_for_step();
  CHECK(contains(refusal(), "process " + std::to_string(child.process()) + " on "));
  child.kill_now();
  CHECK(std::filesystem::exists(path));  // the file of the dead stays, its lock does not
  CHECK(refusal() == "");
  CHECK(contains(error_of(ErrorCode::data, [&] { FileLock(directory / "no/.lock", "--out x"); }), "--out x"));
}

TEST_CASE("of many that want a lock one at a time has it, while files come and go") {
  const TemporaryDirectory directory;
  const std::string path = directory / ".lock";
  std::atomic<int> inside{0}, taken{0}, too_many{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        try {
          const FileLock lock(path, "test");
          if (++inside > 1) ++too_many;
          ++taken;
          std::this_thread::yield();
          --inside;
        } catch (const Error&) {
          std::this_thread::yield();
        }
      }
    });
  threads.clear();
  CHECK(too_many == 0);
  CHECK(taken > 0);
}

}  // namespace rlnas
