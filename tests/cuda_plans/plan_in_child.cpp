#include "tests/cuda_plans/plan_in_child.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>

namespace rlnas::test {
namespace {

// Never returns: the child must not run the parent's destructors.
[[noreturn]] void answer(int to_parent, const std::function<CudnnPlan()>& make) {
  std::ostringstream text;
  try {
    const PlanFacts facts = make().facts();
    text << "planned " << facts.engine << ' ' << facts.workspace_bytes << ' ' << facts.numerical_notes << ' '
         << facts.behavior_notes;
  } catch (const std::exception& error) {
    text << "failed " << error.what();
  }
  const std::string line = text.str();
  const bool written = write(to_parent, line.data(), line.size()) == ssize_t(line.size());
  _exit(written ? 0 : 1);
}

std::string read_all(int from_child) {
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = read(from_child, buffer, sizeof buffer)) > 0;)
    text.append(buffer, std::size_t(count));
  return text;
}

}  // namespace

PlanOutcome plan_in_child(const std::function<CudnnPlan()>& make) {
  std::fflush(nullptr);  // what is buffered must not be printed by the child as well
  int ends[2];
  RLNAS_CHECK(pipe(ends) == 0, run_failed, "no pipe to a child process");
  const pid_t child = fork();
  RLNAS_CHECK(child >= 0, run_failed, "no child process");
  if (child == 0) answer(ends[1], make);
  close(ends[1]);
  std::istringstream text(read_all(ends[0]));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);

  PlanOutcome outcome;
  if (WIFSIGNALED(status)) {
    outcome.failure = "crashed with signal " + std::to_string(WTERMSIG(status));
    return outcome;
  }
  std::string word;
  text >> word;
  outcome.planned = word == "planned";
  if (outcome.planned)
    text >> outcome.facts.engine >> outcome.facts.workspace_bytes >> outcome.facts.numerical_notes >>
        outcome.facts.behavior_notes;
  else
    std::getline(text >> std::ws, outcome.failure);
  return outcome;
}

}  // namespace rlnas::test
