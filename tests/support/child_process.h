// Programs, and pieces of a test that may end their process, run in a child with their output kept.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace rlnas::test {

struct Outcome {
  int exit_code = -1;  // -1: ended by a signal
  std::string out, err;
};

class ChildProcess {
 public:
  // Runs the body in a fork; it exits 0 when the body returns. One child at a time in a directory.
  ChildProcess(const TemporaryDirectory& directory, const std::function<void()>& body)
      : out_(directory / "stdout"), err_(directory / "stderr") {
    process_ = fork();
    if (process_ != 0) return;
    dup2(open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), STDOUT_FILENO);
    dup2(open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), STDERR_FILENO);
    std::signal(SIGABRT, SIG_DFL);  // not the test framework's handler
    body();
    _exit(0);
  }
  // Runs a program, the first of the arguments. environment: NAME=VALUE, beside the test's own.
  ChildProcess(const TemporaryDirectory& directory, std::vector<std::string> arguments,
               std::vector<std::string> environment = {})
      : ChildProcess(directory, [&] {
          for (std::string& variable : environment) putenv(variable.data());
          std::vector<char*> argv;
          for (std::string& argument : arguments) argv.push_back(argument.data());
          argv.push_back(nullptr);
          execv(argv[0], argv.data());
          _exit(127);
        }) {}

  // Sends `signal` once `file` has at least `lines` lines.
  void signal_after(int signal, const std::string& file, long lines) const {
    for (int tries = 0; tries < 3000; ++tries) {
      const std::string text = std::filesystem::exists(file) ? read_text(file) : "";
      if (std::count(text.begin(), text.end(), '\n') >= lines) break;
      usleep(10000);
    }
    send(signal);
  }
  void send(int signal) const { kill(process_, signal); }
  Outcome wait() const {
    int status = 0;
    waitpid(process_, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(out_), read_text(err_)};
  }

 private:
  std::string out_, err_;
  pid_t process_;
};

}  // namespace rlnas::test
