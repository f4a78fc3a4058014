// How far loops are before the first step or the first measurement, told to who called train() or a search.
#pragma once

#include <functional>

#include "engine/interruption.h"
#include "rlnas/train.hpp"

namespace rlnas {

class PreparationScope {
 public:
  // An empty function: nothing changes.
  explicit PreparationScope(const std::function<void(const Preparation&)>& preparing)
      : tells_(converted(preparing)), scope_(tells_) {}

 private:
  static std::function<void(const LoopProgress&)> converted(
      const std::function<void(const Preparation&)>& preparing) {
    if (!preparing) return {};
    return [&preparing](const LoopProgress& now) { preparing({now.what, now.done, now.total}); };
  }

  std::function<void(const LoopProgress&)> tells_;
  ProgressScope scope_;
};

}  // namespace rlnas
