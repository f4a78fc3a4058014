#include "search/evaluation.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "data/batch_loader.h"
#include "data/image_loader.h"
#include "data/prefetcher.h"
#include "data/split.h"
#include "engine/interruption.h"
#include "kernels/check.h"
#include "search/rank_agreement.h"

namespace rlnas {

TestCounts& TestCounts::operator+=(const TestCounts& other) {
  images += other.images;
  top1 += other.top1;
  top5 += other.top5;
  loss += other.loss;
  return *this;
}

TestCounts count_top(std::span<const float> logits, std::span<const std::int32_t> labels, int classes) {
  TestCounts counts;
  counts.images = std::int64_t(labels.size());
  for (std::size_t n = 0; n < labels.size(); ++n) {
    const std::span<const float> row = logits.subspan(n * std::size_t(classes), std::size_t(classes));
    const std::size_t label = std::size_t(labels[n]);
    const float own = row[label], largest = *std::max_element(row.begin(), row.end());
    std::int64_t above = 0;
    double sum = 0.0;
    for (std::size_t k = 0; k < row.size(); ++k) {
      // Written so that a NaN, of the label or of another class, is above it.
      if (k != label && !(row[k] < own) && !(row[k] == own && k > label)) ++above;
      sum += std::exp(double(row[k]) - double(largest));
    }
    counts.top1 += above < 1 ? 1 : 0;
    counts.top5 += above < 5 ? 1 : 0;
    counts.loss += std::log(sum) + double(largest) - double(own);
  }
  return counts;
}

std::string test_line(const TestCounts& counts, const RunProgress& progress) {
  char text[192];
  std::snprintf(
      text, sizeof(text),
      "test of step %lld: top-1 %.2f %%  top-5 %.2f %%  loss %.4f  on %lld images; best top-1 %.2f %% "
      "at step %lld",
      static_cast<long long>(progress.step), 100.0 * counts.share(double(counts.top1)),
      100.0 * counts.share(double(counts.top5)), counts.share(counts.loss),
      static_cast<long long>(counts.images), 100.0 * progress.best_top1,
      static_cast<long long>(progress.best_step));
  return text;
}

TestImages::TestImages(const TrainConfig& config, const TrainingData& training, const RankPlace& place,
                       SampleOrder order) {
  if (streams_images(config, config.eval.spec))
    open_folder(config, training, place, order);
  else
    open_dataset(config, training, place, order);
}

void TestImages::open_folder(const TrainConfig& config, const TrainingData& training, const RankPlace& place,
                             SampleOrder order) {
  const int classes = training.true_classes();
  list_ = ImageList::scan(parse_data_spec(config.eval.spec).paths.front());
  if (training.list) check_same_classes(*training.list, *list_);
  RLNAS_CHECK(list_->classes() == classes, data, "--eval ", config.eval.spec, ": ", list_->classes(),
              " classes, --data has ", classes);
  source_ = std::make_unique<ImageLoader>(
      *list_, all_indices(std::uint32_t(list_->size())), list_->labels(),
      ImageLoaderOptions{
          .plan = batch_plan(config, place, order),
          .transform = evaluation_transform(config.data.image_size, training.format.normalisation),
          .bad_files = BadFiles::fatal,  // another image in its place would count twice
          .threads = config.data.threads});
}

void TestImages::open_dataset(const TrainConfig& config, const TrainingData& training, const RankPlace& place,
                              SampleOrder order) {
  const int classes = training.true_classes();
  dataset_ = load_dataset(parse_data_spec(config.eval.spec), load_options(config, DataPart::test));
  RLNAS_CHECK(dataset_.size() > 0, data, "--eval ", config.eval.spec, ": holds no images");
  RLNAS_CHECK(dataset_.height == training.format.height && dataset_.width == training.format.width, data,
              "--eval ", config.eval.spec, ": images of ", dataset_.height, "x", dataset_.width,
              ", those of --data are ", training.format.height, "x", training.format.width);
  RLNAS_CHECK(dataset_.classes == classes, data, "--eval ", config.eval.spec, ": ", dataset_.classes,
              " classes, --data has ", classes);
  source_ = std::make_unique<BatchLoader>(
      dataset_, all_indices(std::uint32_t(dataset_.size())), dataset_.labels,
      BatchLoaderOptions{.plan = batch_plan(config, place, order), .augmentation = Augmentation::none});
}

TestCounts Evaluator::run(Executor& state, TrainedNetwork& space, AugmentSpec augment,
                          Communicator& communicator) const {
  augment.cutout = 0;
  share_statistics(state, communicator);
  const auto forward = [&](Context& context, const Tensor& images) {
    return space.forward(context, images, 0);
  };
  const BatchSource& source = images_.source();
  TestCounts own;
  Prefetcher batches(source, 0, 0);
  for (int step = 0; step < source.steps_per_epoch(); ++step) {
    check_interruption();
    const HostBatch& batch = batches.next();
    own += count_top(state.logits(forward, batch, augment), batch.labels, classes_);
  }
  TestCounts total;
  for (const TestCounts& counts : communicator.gather_values(own, "test results")) total += counts;
  return total;
}

}  // namespace rlnas
