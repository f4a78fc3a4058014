// Runs a piece of a test on a simulated device of its own, and sees that it leaves nothing behind there.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "tests/simulator/simulator.h"

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

}  // namespace rlnas::test
