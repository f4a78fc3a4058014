// A convolution pass as a key: what backends cache their plans by.
#pragma once

#include "rlnas/spec.hpp"

namespace rlnas {

struct ConvProblem {
  ConvSpec spec;
  ConvPass pass = ConvPass::forward;

  friend bool operator==(const ConvProblem&, const ConvProblem&) = default;
};

struct ConvProblemHash {
  std::size_t operator()(const ConvProblem& problem) const {
    const ConvSpec& s = problem.spec;
    std::size_t hash = std::size_t(problem.pass);
    for (const int value : {s.batch, s.in_channels, s.in_height, s.in_width, s.out_channels, s.kernel,
                            s.stride, s.padding, s.dilation, s.groups})
      hash = (hash ^ std::size_t(value)) * 0x100000001b3u;
    return hash;
  }
};

}  // namespace rlnas
