// Which architectures are the same network. Edges that lead nowhere or carry nothing, the order of a sum's
// terms, and a skip connection that only hands a node on make no difference to what a network with fresh
// weights computes, so that an indicator of the network alone is computed once for all of them.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "search/space.h"

namespace rlnas {

class NetworkClasses {
 public:
  explicit NetworkClasses(const Space& space);

  // The first architecture, in the order of enumeration, of those that are the same network: it has `none` on
  // every edge that does nothing. In a space too large to enumerate, the architecture itself.
  Genes representative(const Genes& genes) const;
  // How many different networks there are; 0: not known.
  std::int64_t count() const { return count_; }

 private:
  const Space& space_;
  std::int64_t count_ = 0;
  std::vector<std::int32_t> first_;  // [enumeration index]; empty: too many
};

// What the output of a cell is of its inputs, the same for cells that are the same network; "" where it is
// nothing.
std::string expression_of(const CellSpec& cell, std::span<const std::int8_t> ops);

}  // namespace rlnas
