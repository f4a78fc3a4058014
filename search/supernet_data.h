// A trained SuperNet as indicators look at it, on the host: its weights, and the images that architectures
// are tried on along their paths. Made once for all workers of a rank; supernet_probe.h is what each of them
// runs.
//
// What an architecture is tried on, without augmentation:
//   true labels    --eval if it is named, otherwise the images of --data that the run did not train on (the
//                  other half of CIFAR-10, or those beyond --images). Source: Single Path One-Shot
//                  (Guo et al., ECCV 2020).
//   random labels  training images under the labels that the run drew for them: of others there is no truth.
//                  Source: RLNAS, table 1.
// The statistics of batch norms are those of training images, augmented as in training.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "data/batch_source.h"
#include "ops/network_layout.h"
#include "rlnas/train.hpp"
#include "search/indicator.h"
#include "search/space.h"

namespace rlnas {

struct TrainingData;

struct SuperNetConfig {
  std::string weights;  // file of the trained ones
  TrainConfig run;      // how they were trained; its eval.spec: images to try on instead of those held out
  // Of the images that it was trained on, where known: random labels mean nothing on others.
  std::optional<std::uint32_t> data_checksum = {};
  int recalibration_batches = 10;  // 0: running statistics as the training left them
  int eval_images = 1000;          // that architectures are tried on, at most; 0: all there are
  int batch = 100;                 // images of either
};

class SuperNetData {
 public:
  // `classes`: of its classifier. Errors: usage, naming the flag, for figures out of range, images that are
  // not named, none held out, or another number of classes; data for unreadable files, a file that is not of
  // such a SuperNet, or images whose random labels are not those of the run.
  // Determinism: a function of config and files.
  SuperNetData(const SuperNetConfig& config, int classes, const Needs& needs);

  const Space& space() const { return space_; }
  const NetworkOptions& network() const { return network_; }
  const NetworkLayout& layout() const { return *layout_; }
  Graph path(const Genes& genes) const { return space_.network(network_, {&genes, 1}); }
  const std::vector<float>& weights() const { return weights_; }  // in the layout's order
  // Of all norms, as the training left them; empty where they are taken of recalibration() instead.
  const std::vector<float>& statistics() const { return statistics_; }

  // Both empty where no indicator needs images.
  const std::vector<HostBatch>& recalibration() const { return recalibration_; }
  const std::vector<HostBatch>& tests() const { return tests_; }
  const AugmentSpec& training_augment() const { return augment_; }
  AugmentSpec test_augment() const;
  int batch_size() const { return config_.batch; }

  // The weights with normal noise added to every one: [k] with noise of deviations added[0], ..., added[k].
  // The noise of a tensor depends on its name and k alone. Kept once made. Threads: may be called from
  // several at once.
  const std::vector<std::vector<float>>& noised_weights(const std::vector<double>& added) const;

  // One line for people: "1000 of 25000 held-out images of cifar10:DIR, true labels; ...".
  const std::string& description() const { return description_; }
  // What measured values depend on, for tables of them.
  const std::string& stamp() const { return stamp_; }

 private:
  void read_weights();
  void load_images();
  void take_recalibration(const TrainConfig& run, const TrainingData& data);
  void take_tests(const BatchSource& source, std::size_t images, const std::string& what);
  void stamp_it();

  SuperNetConfig config_;
  const Space& space_;
  NetworkOptions network_;
  std::optional<NetworkLayout> layout_;
  std::vector<float> weights_, statistics_;
  std::vector<HostBatch> recalibration_, tests_;
  AugmentSpec augment_;
  std::uint32_t data_checksum_ = 0;
  std::string description_, stamp_;
  mutable std::mutex mutex_;  // guards the noised weights
  mutable std::map<std::vector<double>, std::vector<std::vector<float>>> noised_;
};

}  // namespace rlnas
