// The one exception type of the library. Codes double as the exit codes of the apps, which are never told to
// stop this way, so a failure keeps its meaning from a kernel to the shell.
#pragma once

#include <stdexcept>
#include <string>

// What the shared library lets others see.
#define RLNAS_API __attribute__((visibility("default")))

namespace rlnas {

enum class ErrorCode {
  run_failed = 1,     // the computation itself went wrong: NaN loss, broken invariant
  usage = 2,          // a flag, a config value or an architecture string
  data = 3,           // a data set, checkpoint or table on disk
  device = 4,         // device, memory, or a library of the backend
  communication = 5,  // another rank
  interrupted = 6,    // a callback of the caller said so
};

class RLNAS_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace rlnas
