// Whose behaviour to follow where the published code has quirks.
#pragma once

namespace rlnas {

enum class Compat {
  none,    // this engine's own, corrected behaviour
  megvii,  // the published code, draw for draw, quirks included (method.md 13, 15.5, 15.6)
};

}  // namespace rlnas
