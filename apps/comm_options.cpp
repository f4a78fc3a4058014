#include "apps/comm_options.h"

#include "engine/comm/launch.h"
#include "engine/comm/token.h"
#include "kernels/check.h"

namespace rlnas {

void declare_comm_options(CLI::App& app, CommOptions& options) {
  constexpr const char* kGroup = "Ranks (mpirun -n 4 rlnas_train ...)";
  app.add_option(
         "--comm-timeout", options.timeout_s,
         "Seconds without a sign of the other ranks after which a run of several ends, with exit code 5")
      ->group(kGroup);
  app.add_option(
         "--comm-token-file", options.token_file,
         "Ranks over TCP: a file whose first line is a secret that all of them have to know, mode 600")
      ->group(kGroup);
}

std::unique_ptr<Communicator> join_ranks(const CommOptions& options) {
  // Written so that NaN fails too.
  RLNAS_CHECK(options.timeout_s > 0.0 && options.timeout_s <= 1e9, usage,
              "--comm-timeout: ", options.timeout_s, " is not a number of seconds above 0");
  return make_communicator(options.timeout_s,
                           options.token_file.empty() ? "" : read_token(options.token_file));
}

}  // namespace rlnas
