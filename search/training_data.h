// What a run trains on: the images of --data, in memory or as a list of files to read, the training split,
// and the labels to train on.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/batch_plan.h"
#include "data/batch_source.h"
#include "data/dataset.h"
#include "data/image_list.h"
#include "engine/comm/communicator.h"
#include "rlnas/train.hpp"

namespace rlnas {

// Whether the files of `data` (the text of --data or --eval) are read as they are needed, cropped by
// config.crop. Errors: usage for a text that names no data.
bool streams_images(const TrainConfig& config, const std::string& data);

struct TrainingData {
  Dataset dataset;                      // the images, unless they are streamed
  std::optional<ImageList> list;        // their files, if they are
  std::vector<std::uint32_t> indices;   // of the training split
  std::vector<std::uint32_t> held_out;  // of a differentiable search: what the candidates' weights move on
  std::vector<std::int32_t> labels;     // to train on, of every image of the data set
  int classes = 0;                      // of the labels
  DataFingerprint fingerprint;          // of all images
  ImageFormat format;

  int true_classes() const { return list ? list->classes() : dataset.classes; }
  // Files left out at loading ("PATH: why"); those that are streamed show when their turn comes.
  const std::vector<std::string>& skipped() const { return list ? list->skipped() : dataset.skipped; }
  std::size_t memory_bytes() const;
};

LoadOptions load_options(const TrainConfig& config, DataPart part);
// How one rank's share of the batches is cut.
BatchPlanOptions batch_plan(const TrainConfig& config, const RankPlace& place, SampleOrder order);

// Errors: data for unreadable or broken files, usage for flags that do not fit the data.
TrainingData load_training_data(const TrainConfig& config);

// The training batches of one rank. `data` must outlive them.
class TrainingBatches {
 public:
  TrainingBatches(const TrainConfig& config, const TrainingData& data, const RankPlace& place)
      : TrainingBatches(config, data, data.indices, place) {}
  // Of these images, the held-out ones for example.
  TrainingBatches(const TrainConfig& config, const TrainingData& data, std::vector<std::uint32_t> indices,
                  const RankPlace& place);
  ~TrainingBatches();

  const BatchSource& source() const { return *source_; }
  // Files found bad since the last call, as they come up in a streamed folder ("PATH: why").
  std::vector<std::string> new_bad_files();

 private:
  std::unique_ptr<BatchSource> source_;
  const class ImageLoader* streamed_ = nullptr;  // source_, if it is one
  std::vector<std::string> reported_;            // sorted
};

}  // namespace rlnas
