// Averaging gradients over the CUDA devices of the ranks by NCCL, beside the backward pass. NCCL and CUDA are
// seen in nccl_exchange.cpp alone; no_nccl.cpp is its twin in builds without them.
#pragma once

#include <memory>

#include "engine/comm/gradient_exchange.h"

namespace rlnas {

// Whether this is a CUDA device and this build has NCCL.
bool nccl_serves(Device& device);

// For a device that it serves, on every rank. The communicator carries NCCL's id
// from rank 0 to the others. Errors: communication.
std::unique_ptr<GradientExchange> make_nccl_exchange(Device& device, Communicator& communicator,
                                                     double timeout_s);

}  // namespace rlnas
