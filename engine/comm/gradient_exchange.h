// Averaging the flat gradient buffer over ranks. Each rank's gradient is the mean over its own images, so
// the mean over all images is the sum of (rank's images / all images) * gradient.
//
// The backward pass ends with the first layers, whose weights lie first in the buffer: what lies above a
// point that it has passed is final and can travel while the rest is computed. Twins: the host exchange
// (below; everything at the end, through host memory), nccl_exchange.h (in buckets, beside the backward
// pass).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/comm/communicator.h"
#include "kernels/device.h"

namespace rlnas {

class GradientExchange {
 public:
  virtual ~GradientExchange() = default;

  virtual std::string description() const = 0;
  // A backward pass begins. gradient [count]: device memory; weight: this rank's images / all images.
  virtual void begin(float* gradient, std::size_t count, double weight) = 0;
  // Everything from `offset` on has been written. Offsets fall.
  virtual void final_from(std::size_t offset) = 0;
  // The backward pass is done. What runs on the compute stream from here on sees the means.
  virtual void finish() = 0;
  // Blocks until the means are there. Errors: communication; no later call succeeds after that.
  virtual void wait() = 0;
};

// Through host memory and Communicator::all_reduce_sum: for the CPU, and for devices without a library of
// their own.
class HostExchange final : public GradientExchange {
 public:
  HostExchange(Device& device, Communicator& communicator) : device_(device), communicator_(communicator) {}

  std::string description() const override { return "through host memory"; }
  void begin(float* gradient, std::size_t count, double weight) override;
  void final_from(std::size_t) override {}
  void finish() override;
  void wait() override {}

 private:
  Device& device_;
  Communicator& communicator_;
  float* gradient_ = nullptr;  // device
  float weight_ = 1.0f;
  std::vector<float> staging_;
};

// By NCCL where every rank's backend runs on a CUDA device and this build has NCCL, otherwise through host
// memory.
std::unique_ptr<GradientExchange> make_rank_exchange(Device& device, Communicator& communicator,
                                                     double timeout_s);

}  // namespace rlnas
