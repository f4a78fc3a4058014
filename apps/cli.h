// What both apps share: options from the command line, a configuration file and the environment (in this
// order of precedence), one-line errors, and exit codes that are those of ErrorCode.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <iosfwd>
#include <string>

namespace rlnas {

struct AppInfo {
  std::string name;  // "rlnas_search": leads every error line
  std::string description;
  std::string version;
};

struct AppStreams {
  std::ostream& out;
  std::ostream& err;
};

// What the command line, the environment or the configuration file says of --NAME, in this order, before
// anything is declared; "" when none does. For options that other options' defaults depend on.
std::string peek_option(int argc, const char* const* argv, const std::string& name);

// Declares options, parses, and calls `run`, whose result is the exit code. Adds --version, --config FILE,
// --dump-config, --completion SHELL and, for every long option --some-name, the environment variable
// RLNAS_SOME_NAME; for every one that is true or false --no-some-name. Every exception ends as one line on
// `err`: "NAME: what is wrong". Exit codes: 0 ok, 1 run failed, 2 usage or configuration, 3 data, 4 device or
// memory, 5 communication.
int run_app(const AppInfo& info, int argc, const char* const* argv, AppStreams streams,
            const std::function<void(CLI::App&)>& declare_options, const std::function<int()>& run);

}  // namespace rlnas
