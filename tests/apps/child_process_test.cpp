// Children of the tests: they end with their test, however that ends.
#include "tests/support/child_process.h"

#include <doctest/doctest.h>
#include <sys/prctl.h>

namespace rlnas::test {
namespace {

bool runs(pid_t process) {
  return kill(process, 0) == 0;
}

[[noreturn]] void wait_for_ever() {
  for (;;) pause();
}

}  // namespace

TEST_CASE("a child that nobody waits for ends with its object") {
  const TemporaryDirectory directory;
  pid_t process = 0;
  {
    const ChildProcess child(directory, [] { wait_for_ever(); });
    process = child.process();
    CHECK(runs(process));
  }
  CHECK_FALSE(runs(process));
}

TEST_CASE("a child of a test that is killed is killed") {
  const TemporaryDirectory directory, inner;
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // the orphan becomes this process's child, which waits for it
  const std::string file = directory / "process";
  const ChildProcess test(directory, [&] {
    const ChildProcess child(inner, [] { wait_for_ever(); });
    write_text(file, std::to_string(child.process()) + "\n");
    wait_for_ever();
  });
  test.signal_after(SIGKILL, file, 1);
  CHECK(test.wait().exit_code == -1);
  int status = 0;
  CHECK(waitpid(std::stoi(read_text(file)), &status, 0) > 0);
  CHECK(WIFSIGNALED(status));
}

TEST_CASE("a signal that comes too late is an error") {
  const TemporaryDirectory directory;
  const ChildProcess child(directory, [] {});
  CHECK_THROWS_WITH_AS(child.signal_after(SIGKILL, directory / "nothing", 1),
                       doctest::Contains("ended before the signal"), std::runtime_error);
}

}  // namespace rlnas::test
