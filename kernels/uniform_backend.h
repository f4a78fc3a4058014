// For backends that treat all primitives alike: the overload set, led into two templates of the class that
// derives from it,
//   template <class Primitive> void take(const Primitive& call, Workspace workspace);
//   template <class Primitive> std::size_t scratch_bytes(const Primitive& call);
// which may have overloads for the primitives that need more.
#pragma once

#include "kernels/backend.h"

namespace rlnas {

template <class Derived>
class UniformBackend : public Backend {
 public:
#define RLNAS_TAKE(Primitive)                                       \
  void run(const Primitive& call, Workspace workspace = {}) final { \
    static_cast<Derived*>(this)->take(call, workspace);             \
  }                                                                 \
  std::size_t workspace_bytes(const Primitive& call) final {        \
    return static_cast<Derived*>(this)->scratch_bytes(call);        \
  }
  RLNAS_PRIMITIVES(RLNAS_TAKE)
#undef RLNAS_TAKE
};

}  // namespace rlnas
