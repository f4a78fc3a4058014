// Which gene strings a search has met before.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <unordered_set>

#include "search/evolution.h"

namespace rlnas {

class GeneSet {
 public:
  bool contains(const Genes& genes) const { return genes_.contains(genes); }
  // False when they were in the set already.
  bool insert(const Genes& genes) { return genes_.insert(genes).second; }

 private:
  struct Hash {  // eight genes at a time, each word mixed by a multiplication (splitmix64's constants)
    std::size_t operator()(const Genes& genes) const {
      std::uint64_t hash = genes.size();
      for (std::size_t at = 0; at < genes.size(); at += sizeof hash) {
        std::uint64_t word = 0;
        std::memcpy(&word, genes.data() + at, std::min(sizeof word, genes.size() - at));
        hash = (hash ^ word) * 0xBF58476D1CE4E5B9u;
        hash ^= hash >> 29;
      }
      return std::size_t(hash * 0x94D049BB133111EBu >> 20);
    }
  };

  std::unordered_set<Genes, Hash> genes_;
};

}  // namespace rlnas
