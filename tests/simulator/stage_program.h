// A small program of two stages that take turns, for any backend: every call has other addresses or other
// numbers than the time before, and all results are whole numbers, exact in float.
#pragma once

#include <functional>
#include <vector>

#include "kernels/backend.h"

namespace rlnas::test {

class StageProgram {
 public:
  static constexpr std::size_t kCount = 64, kBytes = kCount * sizeof(float);

  explicit StageProgram(Backend& backend) : StageProgram(backend, Empty{}) {
    for (float*& buffer : buffers_) {
      buffer = static_cast<float*>(backend.allocate(kBytes));
      backend.run(Fill{.count = kCount, .value = 0.0f, .y = buffer});
    }
  }
  ~StageProgram() {
    for (float* const buffer : buffers_) backend_.release(buffer);
  }
  StageProgram(const StageProgram&) = delete;
  StageProgram& operator=(const StageProgram&) = delete;

  // `in_the_middle` of the first stage something else may happen; `extra` calls make the stage another one.
  void round(
      int index, const std::function<void(float* scratch)>& in_the_middle = [](float*) {}, int extra = 0) {
    const auto [turn0, turn1, value, sum, total, scratch] = buffers_;
    float* const turn = index % 2 == 0 ? turn0 : turn1;
    backend_.begin_stage("first", Direction::forward);
    backend_.run(Fill{.count = kCount, .value = float(index + 1), .y = value});
    backend_.run(Add{.count = kCount, .x = value, .y = turn, .store = Store::accumulate});
    backend_.run(Add{.count = kCount, .x = turn, .y = sum, .store = Store::accumulate});
    in_the_middle(scratch);
    backend_.run(Add{.count = kCount, .x = scratch, .y = sum, .store = Store::accumulate});
    for (int i = 0; i < extra; ++i)
      backend_.run(Add{.count = kCount, .x = value, .y = sum, .store = Store::accumulate});
    backend_.begin_stage("second", Direction::backward);
    backend_.run(Add{.count = kCount, .x = sum, .y = total, .store = Store::accumulate});
    backend_.run(Add{.count = kCount, .x = turn, .y = total, .store = Store::accumulate});
    backend_.run(Fill{.count = kCount, .value = float(index), .y = scratch});
  }

  std::vector<float> result() {
    std::vector<float> total(kCount);
    backend_.download(total.data(), buffers_[4], kBytes);
    return total;
  }

 private:
  // Delegated to, so that the destructor runs when the rest of the construction fails.
  struct Empty {};
  StageProgram(Backend& backend, Empty) : backend_(backend) {}

  Backend& backend_;
  float* buffers_[6] = {};
};

}  // namespace rlnas::test
