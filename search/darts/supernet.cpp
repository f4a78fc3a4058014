#include "search/darts/supernet.h"

#include <string>

#include "ops/classifier.h"
#include "ops/conv.h"
#include "ops/pool.h"

namespace rlnas::darts {
namespace {

constexpr int kStemMultiplier = 3;  // channels of the CIFAR stem, over those of the first cells
constexpr const char* kStageNames[] = {"stage 1", "stage 2", "stage 3"};
constexpr const char* kReductionNames[] = {"reduction 1", "reduction 2"};

Conv2d stem_conv(int in_channels, int out_channels, int stride) {
  return {
      .in_channels = in_channels, .out_channels = out_channels, .kernel = 3, .stride = stride, .padding = 1};
}

}  // namespace

Supernet::StemLayer Supernet::make_stem_layer(const std::string& conv_name, const std::string& norm_name,
                                              Conv2d geometry) {
  const Conv2d conv = builder_.conv(conv_name, geometry);
  return {conv, builder_.batch_norm(norm_name, geometry.out_channels, Affine::yes)};
}

Supernet::Supernet(const SupernetConfig& config) : config_(config), builder_(config.initializer) {
  RLNAS_CHECK(config.classes > 0, usage, "--classes ", config.classes, ": must be positive");
  RLNAS_CHECK(config.channels > 0 && config.channels % 2 == 0, usage, "--channels ", config.channels,
              ": a DARTS SuperNet needs an even number of them");
  RLNAS_CHECK(config.cells > 0, usage, "--cells ", config.cells, ": must be positive");
  int channels = config.channels;
  CellShape shape;
  if (config.stem == Stem::cifar) {
    const int width = kStemMultiplier * channels;
    stem_.push_back(make_stem_layer("stem.0", "stem.1", stem_conv(3, width, 1)));
    shape = {.older_channels = width, .last_channels = width};
  } else {
    stem_.push_back(make_stem_layer("stem0.0", "stem0.1", stem_conv(3, channels / 2, 2)));
    stem_.push_back(make_stem_layer("stem0.3", "stem0.4", stem_conv(channels / 2, channels, 2)));
    stem_.push_back(make_stem_layer("stem1.1", "stem1.2", stem_conv(channels, channels, 2)));
    shape = {.older_channels = channels, .last_channels = channels, .last_kind = CellKind::reduce};
  }
  for (int i = 0; i < config.cells; ++i) {
    const bool reduces = i == config.cells / 3 || i == 2 * config.cells / 3;
    if (reduces) channels *= 2;
    shape.channels = channels;
    shape.kind = reduces ? CellKind::reduce : CellKind::normal;
    cells_.emplace_back(builder_, i, shape);
    shape.older_channels = shape.last_channels;
    shape.last_channels = cells_.back().out_channels();
    shape.last_kind = shape.kind;
  }
  classifier_ = builder_.linear("classifier", shape.last_channels, config.classes);
}

Supernet::CellInputs Supernet::run_stem(Context& context, const Tensor& images) const {
  CellInputs inputs;
  inputs.last = images;
  for (const StemLayer& layer : stem_) {
    inputs.older = inputs.last;
    inputs.last =
        norm_sum(context, {conv_norm(context, inputs.last, layer.conv, layer.norm)}, Want::activated)
            .activated;
  }
  if (config_.stem == Stem::cifar) inputs.older = inputs.last;
  return inputs;
}

Tensor Supernet::forward(Context& context, const Tensor& images, const Architecture& path) const {
  context.tape.begin_stage("stem");
  CellInputs x = run_stem(context, images);
  int reductions = 0;
  for (const SupernetCell& cell : cells_) {
    const bool reduces = cell.kind() == CellKind::reduce;
    context.tape.begin_stage(reduces ? kReductionNames[reductions++] : kStageNames[reductions]);
    context.mark_gradients_from(cell.first_segment());
    // The classifier averages the last cell's output as it is.
    const Want want = &cell == &cells_.back() ? Want::sum : Want::activated;
    Tensor out = cell.forward(context, x.older, x.last, path.cell(cell.kind()), want);
    x.older = std::move(x.last);
    x.last = std::move(out);
  }
  context.tape.begin_stage("head");
  context.mark_gradients_from(classifier_.weight);
  return linear(context, global_avg_pool(context, x.last), classifier_);
}

}  // namespace rlnas::darts
