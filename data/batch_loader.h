// Batches of a data set in memory. Source: the published loader: shuffle every epoch, keep the last partial
// batch, flip then crop. DARTS-CIFAR crops first and flips then, which comes to the same: out of flipped
// images a window at shift_x is cut, out of others flipped afterwards one at -shift_x, and shift_x is as
// likely as -shift_x whatever the flip; zero padding is its own mirror image.
#pragma once

#include <cstdint>
#include <vector>

#include "data/batch_plan.h"
#include "data/batch_source.h"
#include "data/dataset.h"

namespace rlnas {

enum class Augmentation { crop_and_flip, none };
// Whether the square of AugmentSpec::cutout is placed as well.
enum class Cutout { no, drawn };

struct BatchLoaderOptions {
  BatchPlanOptions plan = {};
  Augmentation augmentation = Augmentation::crop_and_flip;
  Cutout cutout = Cutout::no;
};

class BatchLoader final : public BatchSource {
 public:
  // `indices` are the images to train on, `labels` one label for *every* image of the data set (random or
  // true). The data set must outlive the loader.
  // Errors: those of BatchPlan; data for labels that do not fit the data set.
  BatchLoader(const Dataset& dataset, std::vector<std::uint32_t> indices, std::vector<std::int32_t> labels,
              const BatchLoaderOptions& options);

  int steps_per_epoch() const override { return plan_.steps_per_epoch(); }
  ImageFormat format() const override;
  const Dataset& dataset() const { return dataset_; }

  // Determinism: an image's augmentation depends on (seed, epoch, image) alone, its place on (seed, epoch).
  void fill(int epoch, int step, HostBatch& batch) const override;

 private:
  AugmentParams draw_augmentation(int epoch, std::uint32_t index) const;

  const Dataset& dataset_;
  BatchPlan plan_;
  std::vector<std::int32_t> labels_;
  Augmentation augmentation_;
  Cutout cutout_;
};

}  // namespace rlnas
