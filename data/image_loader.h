// Batches of an image folder that does not fit in memory: files are read, decoded and augmented when their
// batch is made, on several threads; a Prefetcher makes it while the device is busy with the one before.
//
// A file that cannot be decoded is named, and another image of the selection takes its place, with its own
// label: the first good one of the stream (seed, epoch, bad image). Nothing is remembered of a bad file
// except for the report, so that a resumed run draws the same.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/batch_plan.h"
#include "data/batch_source.h"
#include "data/dataset.h"
#include "data/image_list.h"
#include "data/image_transform.h"

namespace rlnas {

struct ImageLoaderOptions {
  BatchPlanOptions plan = {};
  ImageTransform transform;
  BadFiles bad_files = BadFiles::skip;
  int threads = 0;  // 0: as many as the machine has
};

class ImageLoader final : public BatchSource {
 public:
  // `indices` are the images to take, `labels` one label for *every* image of the list (random or true). The
  // list must outlive the loader.
  // Errors: those of BatchPlan; usage for an image size out of range; data for labels that do not fit the
  // list.
  ImageLoader(const ImageList& list, std::vector<std::uint32_t> indices, std::vector<std::int32_t> labels,
              const ImageLoaderOptions& options);

  int steps_per_epoch() const override { return plan_.steps_per_epoch(); }
  ImageFormat format() const override;

  // Errors: data, naming the file, for a bad one with BadFiles::fatal, or when no good one turns up instead.
  // Determinism: an image's pixels depend on (seed, epoch, image) alone, whatever the number of threads.
  void fill(int epoch, int step, HostBatch& batch) const override;

  // Files found bad so far ("PATH: why"), in the list's order.
  std::vector<std::string> bad_files() const;

 private:
  struct Slot {
    std::uint32_t index = 0;
    AugmentParams params;
  };
  Slot make_image(int epoch, std::uint32_t index, std::uint8_t* pixels) const;
  // An error message, empty for a good image.
  std::string try_image(std::uint32_t index, RandomStream random, AugmentParams& params,
                        std::uint8_t* pixels) const;
  std::unique_ptr<TransformScratch> take_scratch() const;

  const ImageList& list_;
  BatchPlan plan_;
  std::vector<std::int32_t> labels_;
  ImageLoaderOptions options_;
  mutable std::mutex mutex_;  // guards the two below
  mutable std::map<std::uint32_t, std::string> bad_;
  mutable std::vector<std::unique_ptr<TransformScratch>> spare_scratch_;
};

}  // namespace rlnas
