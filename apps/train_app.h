// rlnas_train without its main(), so that tests can call it.
#pragma once

#include <iosfwd>

namespace rlnas {

// Returns the exit code: those of run_app, and 130 or 143 after SIGINT or SIGTERM, when the run was saved.
int train_main(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace rlnas
