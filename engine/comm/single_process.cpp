#include "engine/comm/gradient_exchange.h"

namespace rlnas {

std::unique_ptr<GradientExchange> SingleProcess::make_gradient_exchange(Device&) {
  return nullptr;
}

}  // namespace rlnas
