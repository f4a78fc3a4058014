// What every communicator has to do, checked on every rank of it. Used over threads (TCP) and under mpirun.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/comm/communicator.h"

namespace rlnas::test {

// The value that `rank` brings along: sums of them depend on their order in the last bits.
inline float contribution(int rank, std::size_t i) {
  return std::sin(float(i % 1000) + 1.0f) * std::pow(10.0f, float((rank * 7 + int(i % 5)) % 5));
}

inline void check_contract(Communicator& communicator) {
  const int rank = communicator.rank(), size = communicator.size();
  for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::size_t{300001}}) {
    std::vector<float> values(count), expected(count);
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = contribution(rank, i);
      expected[i] = contribution(0, i);
      for (int r = 1; r < size; ++r) expected[i] += contribution(r, i);
    }
    communicator.all_reduce_sum(values.data(), count, "sum");
    CHECK(values == expected);  // in rank order, bit for bit
  }

  std::vector<int> sent(100000, rank);
  communicator.broadcast(sent.data(), sent.size() * sizeof(int), "broadcast");
  CHECK(sent == std::vector<int>(100000, 0));

  std::string text = rank == 0 ? "from rank 0" : "a longer text of another rank";
  communicator.broadcast_all(text, "text");
  CHECK(text == "from rank 0");
  std::string nothing = rank == 0 ? "" : "something";
  communicator.broadcast_all(nothing, "nothing");
  CHECK(nothing.empty());

  const std::vector<double> gathered = communicator.gather_values(rank * 1.5, "gather");
  CHECK(gathered.size() == std::size_t(size));
  for (int r = 0; r < size; ++r) CHECK(gathered[std::size_t(r)] == r * 1.5);
  communicator.barrier("end");
}

}  // namespace rlnas::test
