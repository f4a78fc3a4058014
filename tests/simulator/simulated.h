// Pieces of a test on a simulated device of their own: those that must leave nothing behind there, and those
// that the simulator must end.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "tests/simulator/simulator.h"
#include "tests/support/child_process.h"

namespace rlnas::test {

template <class Body>
void on_simulated_device(const simulator::Options& options, const Body& body) {
  CAPTURE(std::string(simulator::name_of(options.policy)));
  CAPTURE(options.seed);
  simulator::reset(options);
  body();
  const simulator::Usage& usage = simulator::usage();
  CHECK(usage.allocations == 0);
  CHECK(usage.host_allocations == 0);
  CHECK(usage.streams == 0);
  CHECK(usage.events == 0);
  CHECK(usage.graphs == 0);
  CHECK(usage.handles == 0);
}

// What a child on such a device wrote to stderr before it was aborted.
inline std::string message_of(const simulator::Options& options, const std::function<void()>& body) {
  simulator::reset({});
  const TemporaryDirectory directory;
  const Outcome outcome = ChildProcess(directory, [&] {
                            simulator::reset(options);
                            body();
                          }).wait();
  CHECK(outcome.exit_code == -1);
  return outcome.err;
}

inline void check_has(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CAPTURE(part);
  CHECK(text.find(part) != std::string::npos);
}

}  // namespace rlnas::test
