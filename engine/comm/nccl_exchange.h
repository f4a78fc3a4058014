// Averaging gradients over the CUDA devices of the ranks by NCCL, beside the backward pass. NCCL and CUDA are
// seen in nccl_exchange.cpp alone; no_nccl.cpp is its twin in builds without them.
#pragma once

#include <memory>

#include "engine/comm/gradient_exchange.h"

namespace rlnas {

// Null when `backend` runs on no CUDA device, and in builds without NCCL. The communicator carries NCCL's id
// from rank 0 to the others. Errors: communication.
std::unique_ptr<GradientExchange> make_nccl_exchange(Backend& backend, Communicator& communicator,
                                                     double timeout_s);

}  // namespace rlnas
