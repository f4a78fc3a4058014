// rlnas_search as a function, so that tests call it in process.
#pragma once

#include <iosfwd>

namespace rlnas {

// Returns the exit code; see run_app.
int search_main(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace rlnas
