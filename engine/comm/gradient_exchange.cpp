#include "engine/comm/gradient_exchange.h"

#include <algorithm>

#include "engine/comm/nccl_exchange.h"

namespace rlnas {

void HostExchange::begin(float* gradient, std::size_t count, double weight) {
  gradient_ = gradient;
  weight_ = float(weight);
  staging_.resize(count);
}

void HostExchange::finish() {
  const std::size_t bytes = staging_.size() * sizeof(float);
  device_.download(staging_.data(), gradient_, bytes);
  for (float& value : staging_) value *= weight_;
  communicator_.all_reduce_sum(staging_.data(), staging_.size(), "gradient all-reduce");
  device_.upload(gradient_, staging_.data(), bytes);
}

std::unique_ptr<GradientExchange> make_rank_exchange(Device& device, Communicator& communicator,
                                                     double timeout_s) {
  // A rank without a device of its own would leave the others waiting: NCCL joins all or none.
  const std::vector<char> served =
      communicator.gather_values(char{nccl_serves(device)}, "choice of exchange");
  if (std::find(served.begin(), served.end(), char{0}) == served.end())
    return make_nccl_exchange(device, communicator, timeout_s);
  return std::make_unique<HostExchange>(device, communicator);
}

}  // namespace rlnas
