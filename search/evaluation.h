// Accuracy of a stand-alone network on a test set: running statistics, no augmentation, images normalised as
// in training; those of a streamed folder by the centre crop of their resized image. Every rank takes its
// share of each batch, with rank 0's running statistics, which are the ones that are saved. Source:
// method.md 10.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "data/batch_plan.h"
#include "data/batch_source.h"
#include "engine/comm/communicator.h"
#include "rlnas/train.hpp"
#include "search/executor.h"
#include "search/state_metadata.h"
#include "search/trained_network.h"
#include "search/training_data.h"

namespace rlnas {

struct TestCounts {
  std::int64_t images = 0;
  std::int64_t top1 = 0;  // images whose label has the largest logit
  std::int64_t top5 = 0;  // images whose label is among the five largest
  double loss = 0.0;      // sum of plain cross-entropies

  double share(double part) const { return part / double(images); }
  TestCounts& operator+=(const TestCounts& other);
  friend bool operator==(const TestCounts&, const TestCounts&) = default;
};

// Of equal logits the one with the lower index counts as the larger. Shapes: logits [N,classes], labels [N].
TestCounts count_top(std::span<const float> logits, std::span<const std::int32_t> labels, int classes);

// One line for the log.
std::string test_line(const TestCounts& counts, const RunProgress& progress);

// The images of --eval and their true labels, without augmentation.
class TestImages {
 public:
  // Errors: those of load_dataset; data when its images or classes are not those of `training`.
  TestImages(const TrainConfig& config, const TrainingData& training, const RankPlace& place,
             SampleOrder order);

  const BatchSource& source() const { return *source_; }
  std::size_t size() const { return list_ ? list_->size() : dataset_.size(); }

 private:
  void open_folder(const TrainConfig& config, const TrainingData& training, const RankPlace& place,
                   SampleOrder order);
  void open_dataset(const TrainConfig& config, const TrainingData& training, const RankPlace& place,
                    SampleOrder order);

  Dataset dataset_;                // the images, unless they are streamed
  std::optional<ImageList> list_;  // their files, if they are
  std::unique_ptr<BatchSource> source_;
};

class Evaluator {
 public:
  // Loads --eval. Errors: those of TestImages.
  Evaluator(const TrainConfig& config, const TrainingData& training, const RankPlace& place)
      : classes_(training.true_classes()), images_(config, training, place, SampleOrder::sequential) {}

  // Called by all ranks. `augment`: the training's, of which the normalisation is used.
  // Determinism: bit-equal for any number of threads.
  TestCounts run(Executor& state, TrainedNetwork& space, AugmentSpec augment,
                 Communicator& communicator) const;

 private:
  int classes_;
  TestImages images_;
};

}  // namespace rlnas
