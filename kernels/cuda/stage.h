// A stage of the network and the pass through it, as Backend::begin_stage names them.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "kernels/backend.h"

namespace rlnas {

struct Stage {
  std::string_view name;  // of a string literal
  Direction direction = Direction::forward;

  friend auto operator<=>(const Stage&, const Stage&) = default;
};

// "stem forward"
inline std::string text_of(const Stage& stage) {
  return std::string(stage.name) + (stage.direction == Direction::forward ? " forward" : " backward");
}

}  // namespace rlnas
