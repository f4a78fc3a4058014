#include "search/darts/supernet.h"

#include <string>
#include <utility>

#include "ops/classifier.h"
#include "ops/conv.h"
#include "ops/pool.h"

namespace rlnas::darts {
namespace {

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

Supernet::Supernet(const NetworkSpec& spec, Initializer initializer, const std::optional<StandAlone>& only)
    : spec_(spec), builder_(initializer) {
  const std::vector<CellGeometry> geometries = cell_geometries(spec);
  const int channels = spec.channels;
  if (spec.preset == Preset::cifar) {
    stem_.push_back(make_stem_layer("stem.0", "stem.1", stem_conv(3, geometries[0].input1_channels, 1)));
  } else {
    stem_.push_back(make_stem_layer("stem0.0", "stem0.1", stem_conv(3, channels / 2, 2)));
    stem_.push_back(make_stem_layer("stem0.3", "stem0.4", stem_conv(channels / 2, channels, 2)));
    stem_.push_back(make_stem_layer("stem1.1", "stem1.2", stem_conv(channels, channels, 2)));
  }
  if (only && only->auxiliary_weight > 0.0) auxiliary_cell_ = 2 * spec.cells / 3;
  for (const CellGeometry& geometry : geometries) {
    const int index = int(cells_.size());
    cells_.emplace_back(builder_, index, geometry, only ? &only->architecture.cell(geometry.kind) : nullptr);
    if (index != auxiliary_cell_) continue;
    auxiliary_weight_ = float(only->auxiliary_weight);
    auxiliary_ = add_auxiliary_head(
        builder_, spec.preset == Preset::cifar ? AuxiliaryKind::cifar : AuxiliaryKind::imagenet,
        cells_.back().out_channels(), spec.classes);
  }
  classifier_ = builder_.linear("classifier", cells_.back().out_channels(), spec.classes);
}

Supernet::CellInputs Supernet::run_stem(Context& context, const Tensor& images) const {
  CellInputs x;
  x.x1 = images;
  for (const StemLayer& layer : stem_) {
    x.x0 = x.x1;
    x.x1 = norm_sum(context, {conv_norm(context, x.x0, layer.conv, layer.norm)}, Want::activated).activated;
  }
  if (spec_.preset == Preset::cifar) x.x0 = x.x1;
  return x;
}

Tensor Supernet::forward(Context& context, const Tensor& images, const Architecture& path,
                         const DropSpec& drop_path) const {
  context.tape.begin_stage("stem");
  CellInputs x = run_stem(context, images);
  int reductions = 0;
  for (const SupernetCell& cell : cells_) {
    const bool reduces = cell.kind() == CellKind::reduce;
    context.tape.begin_stage(reduces ? kReductionNames[reductions++] : kStageNames[reductions]);
    context.mark_gradients_from(cell.first_segment());
    // The classifier averages the last cell's output as it is.
    const Want want = &cell == &cells_.back() ? Want::sum : Want::activated;
    Tensor out = cell.forward(context, x.x0, x.x1, path.cell(cell.kind()), want, drop_path);
    x.x0 = std::move(x.x1);
    x.x1 = std::move(out);
    if (&cell - cells_.data() == auxiliary_cell_ && context.mode == Mode::train)
      context.auxiliary.push_back({apply(context, auxiliary_, x.x1), auxiliary_weight_});
  }
  context.tape.begin_stage("head");
  context.mark_gradients_from(classifier_.weight);
  return linear(context, global_avg_pool(context, x.x1), classifier_);
}

SegmentTable supernet_segments(Preset preset, int classes) {
  NetworkSpec spec = published_supernet(preset);
  spec.classes = classes;
  return Supernet(spec).layout().parameters();
}

}  // namespace rlnas::darts
