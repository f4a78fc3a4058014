// Images of --probe-data with their true labels, on the host, for indicators whose papers look at real
// batches (ZiCo, GradSign ...). Made once for all workers of a rank.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "search/space.h"

namespace rlnas {

class ProbeImages {
 public:
  // `data`: as of --data. Errors: usage and data, naming --probe-data, for images that cannot be had, or that
  // `network` does not fit.
  ProbeImages(const std::string& data, const Space& space, const NetworkOptions& network, int batch,
              std::uint64_t seed);
  ~ProbeImages();

  struct Batch {
    std::vector<float> images;         // [N,H,W,3], normalised as in training, not augmented
    std::vector<std::int32_t> labels;  // [N]
  };
  // Batch 0, 1, ... of a draw, each draw in an order of its own, from the beginning again where there are no
  // more. Kept once made. Threads: may be called from several at once. Errors: data.
  const Batch& batch(int draw, int index) const;

  // What measured values depend on: "cifar10:DIR, images 89abcdef". Without the directory, which may move.
  const std::string& stamp() const { return stamp_; }

 private:
  struct Loaded;
  std::unique_ptr<const Loaded> loaded_;
  std::string stamp_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<int, int>, Batch> batches_;
};

}  // namespace rlnas
