#include "engine/comm/watchdog.h"

#include <sstream>

#include "kernels/check.h"

namespace rlnas {

void Watchdog::fail(const std::string& reason) const {
  const std::int64_t step = communicator_.step();
  const std::string when = step > 0 ? "step " + std::to_string(step) : "start";
  rlnas::fail(ErrorCode::communication, "rank ", communicator_.rank(), ", ", when, ", ", operation_, ": ",
              reason);
}

void Watchdog::fail_expired(const std::string& waiting_for) const {
  std::ostringstream reason;
  reason << "no progress for " << timeout_.count() << " s, waiting for " << waiting_for
         << " (--comm-timeout)";
  fail(reason.str());
}

}  // namespace rlnas
