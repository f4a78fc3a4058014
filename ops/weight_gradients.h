// Where the backward pass of an operation writes the gradients of its weights. The first use of a weight in a
// step writes the flat gradient buffer itself; a further one writes scratch memory, which is then added to
// it.
#pragma once

#include <array>

#include "ops/context.h"

namespace rlnas {

// Calls write(memory), which must fill memory[i] with the gradient of segments[i]; null for a segment of -1,
// and where no gradients of weights are wanted.
template <std::size_t kCount, class Write>
void write_weight_gradients(Context& context, const std::array<int, kCount>& segments, const Write& write) {
  std::array<float*, kCount> memory{};
  std::array<Tensor, kCount> scratch;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (segments[i] < 0 || !context.weight_gradients) continue;
    const Parameters::Target target = context.parameters.gradient_target(segments[i]);
    memory[i] = target.data;
    if (target.store == Store::overwrite) continue;
    const std::int64_t count = context.parameters.table()[segments[i]].count;
    scratch[i] = make_tensor(context.arena, Shape::matrix(1, int(count)), Layout::flat);
    memory[i] = scratch[i].data();
  }
  write(memory);
  for (std::size_t i = 0; i < kCount; ++i)
    if (scratch[i])
      context.backend.run(Add{.count = scratch[i].count(),
                              .x = scratch[i].data(),
                              .y = context.parameters.gradient_of(segments[i]),
                              .store = Store::accumulate});
}

}  // namespace rlnas
