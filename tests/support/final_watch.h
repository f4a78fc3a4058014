// What an exchange beside the backward pass relies on: what the pass calls final it leaves alone.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "engine/comm/gradient_exchange.h"

namespace rlnas::test {

class FinalWatch final : public GradientExchange {
 public:
  std::string description() const override { return "test"; }
  void begin(float* gradient, std::size_t count, double) override {
    gradient_ = gradient;
    end_ = count;
    snapshot_.assign(count, 0.0f);
    marks = 0;
  }
  void final_from(std::size_t offset) override {
    REQUIRE(offset < end_);
    std::copy(gradient_ + offset, gradient_ + end_, snapshot_.begin() + std::ptrdiff_t(offset));
    end_ = offset;
    ++marks;
  }
  void finish() override {
    same = std::equal(snapshot_.begin() + std::ptrdiff_t(end_), snapshot_.end(), gradient_ + end_);
  }
  void wait() override {}

  int marks = 0;      // of the last backward pass
  bool same = false;  // nothing was written to what it had called final

 private:
  float* gradient_ = nullptr;  // of the CPU backend: host memory
  std::size_t end_ = 0;
  std::vector<float> snapshot_;
};

}  // namespace rlnas::test
