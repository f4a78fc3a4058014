// Programs, and pieces of a test that may end their process, run in a child with their output kept.
#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/temporary_directory.h"

namespace rlnas::test {

struct Outcome {
  int exit_code = -1;  // -1: ended by a signal
  std::string out, err;
  double peak_mib = 0.0;  // the most memory it ever had
};

class ChildProcess {
 public:
  // Runs the body in a fork; it exits 0 when the body returns. One child at a time in a directory.
  ChildProcess(const TemporaryDirectory& directory, const std::function<void()>& body)
      : out_(directory / "stdout"), err_(directory / "stderr") {
    const pid_t parent = getpid();
    process_ = fork();
    if (process_ > 0) return;
    if (process_ < 0) throw std::runtime_error("fork failed");
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // a child does not outlive its test
    if (getppid() != parent) _exit(127);
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

  ~ChildProcess() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  ChildProcess(ChildProcess&& other) noexcept
      : out_(std::move(other.out_)),
        err_(std::move(other.err_)),
        process_(std::exchange(other.process_, 0)),
        outcome_(std::move(other.outcome_)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;

  // Sends `signal` once `file` has at least `lines` lines; fails where the child ends, or five minutes,
  // before.
  void signal_after(int signal, const std::string& file, long lines) const {
    for (int tries = 0; tries < 30000; ++tries) {
      const bool ended = has_ended();
      const std::string text = std::filesystem::exists(file) ? read_text(file) : "";
      if (std::count(text.begin(), text.end(), '\n') >= lines && !ended) return send(signal);
      if (ended) throw std::runtime_error("the child ended before the signal: " + read_text(err_));
      usleep(10000);
    }
    throw std::runtime_error("the child did not come to where the signal was due: " + read_text(err_));
  }
  void send(int signal) const { kill(process_, signal); }
  // Waits for its end; again: the same.
  Outcome wait() const {
    if (process_ > 0) {
      int status = 0;
      rusage usage = {};
      wait4(std::exchange(process_, 0), &status, 0, &usage);
      outcome_ = {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(out_), read_text(err_),
                  double(usage.ru_maxrss) / 1024.0};
    }
    return outcome_;
  }
  pid_t process() const { return process_; }

 private:
  bool has_ended() const {
    siginfo_t info = {};
    return waitid(P_PID, id_t(process_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
  }

  std::string out_, err_;
  mutable pid_t process_ = 0;  // 0: waited for
  mutable Outcome outcome_;
};

}  // namespace rlnas::test
