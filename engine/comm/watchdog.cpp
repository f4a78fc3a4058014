#include "engine/comm/watchdog.h"

#include <sstream>

#include "kernels/check.h"

namespace rlnas {

void Watchdog::fail(const std::string& reason) const {
  std::ostringstream step;
  if (step_ > 0)
    step << "step " << step_;
  else
    step << "start";
  rlnas::fail(ErrorCode::communication, "rank ", rank_, ", ", step.str(), ", ", operation_, ": ", reason);
}

void Watchdog::fail_expired(const std::string& waiting_for) const {
  std::ostringstream reason;
  reason << "no progress for " << timeout_.count() << " s, waiting for " << waiting_for
         << " (--comm-timeout)";
  fail(reason.str());
}

}  // namespace rlnas
