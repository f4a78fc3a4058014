// A program on several ranks, started in the way of torchrun, each with its own files for what it says.
#pragma once

#include <deque>

#include "tests/support/child_process.h"
#include "tests/support/ranks.h"

namespace rlnas::test {

class RankPrograms {
 public:
  // environment(rank): more of it.
  RankPrograms(int size, const std::vector<std::string>& arguments,
               const std::function<std::vector<std::string>(int rank)>& environment = {}) {
    for (int rank = 0; rank < size; ++rank) {
      std::vector<std::string> variables = {"RANK=" + std::to_string(rank),
                                            "WORLD_SIZE=" + std::to_string(size),
                                            "LOCAL_RANK=" + std::to_string(rank), "MASTER_ADDR=127.0.0.1",
                                            "MASTER_PORT=" + std::to_string(port_.number())};
      if (environment)
        for (std::string& variable : environment(rank)) variables.push_back(std::move(variable));
      directories_.emplace_back();
      programs_.emplace_back(directories_.back(), arguments, std::move(variables));
    }
  }
  const ChildProcess& operator[](int rank) const { return programs_[std::size_t(rank)]; }
  std::vector<Outcome> wait() const {
    std::vector<Outcome> outcomes;
    for (const ChildProcess& program : programs_) outcomes.push_back(program.wait());
    return outcomes;
  }

 private:
  ReservedPort port_;
  std::deque<TemporaryDirectory> directories_;
  std::vector<ChildProcess> programs_;
};

}  // namespace rlnas::test
