// What both apps need to run on several ranks.
#pragma once

#include <CLI/CLI.hpp>

#include <memory>

#include "engine/comm/communicator.h"

namespace rlnas {

struct CommOptions {
  double timeout_s = 600.0;
  std::string token_file;
};

void declare_comm_options(CLI::App& app, CommOptions& options);

// make_communicator() of the process's environment. Errors: usage; communication.
std::unique_ptr<Communicator> join_ranks(const CommOptions& options);

}  // namespace rlnas
