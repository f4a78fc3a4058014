#include "search/nasbench201/network.h"

#include <array>
#include <string>

#include "kernels/check.h"
#include "search/blocks.h"
#include "search/nasbench201/cell.h"

namespace rlnas::nasbench201 {
namespace {

constexpr std::array<const char*, kStages> kStageNames{"stage 1", "stage 2", "stage 3"};
constexpr std::array<const char*, kStages> kBlockNames{"", "block 1", "block 2"};  // in front of each stage

int first_channels(const NetworkOptions& options) {
  constexpr int kPublished = 16;
  return (options.channels > 0 ? options.channels : kPublished) / options.width_divisor;
}

// `position`: of the cell among cells and blocks, as the published names count them.
int searchable_cell(Graph& graph, int x, int position, std::span<const std::int8_t> ops, Affine affine) {
  const FeatureShape shape = graph[x].shape;
  const auto add_op = [&](int edge, int op, int source) {
    switch (Op(op)) {
      case Op::none:
      case Op::skip_connect:
        break;
      case Op::avg_pool_3x3: {
        graph.set_owner({position, edge, op});
        const int out = graph.avg_pool(source, {});
        graph.set_owner({});
        return out;
      }
      case Op::nor_conv_1x1:
      case Op::nor_conv_3x3: {
        const Edge& place = kEdges[std::size_t(edge)];
        const int padding = Op(op) == Op::nor_conv_3x3 ? 1 : 0;
        graph.set_owner({position, edge, op});
        const int out = relu_conv_norm(
            graph, source,
            "cells." + std::to_string(position) + ".edges." + std::to_string(place.target) + "<-" +
                std::to_string(place.source) + "." + std::to_string(op),
            {.out_channels = shape.channels, .kernel = 1 + 2 * padding, .padding = padding}, affine);
        graph.set_owner({});
        return out;
      }
    }
    return source;
  };
  return add_cell(graph, cell_spec(), {x}, shape, ops, add_op).back();
}

}  // namespace

const CellSpec& cell_spec() {
  static const CellSpec spec = [] {
    CellSpec cell{.choices = {{.none = int(Op::none), .identity = int(Op::skip_connect)}},
                  .inputs = 1,
                  .first_output = kNodeCount - 1,
                  .node_names = {"input", "node 1", "node 2", "output"}};
    for (const Edge& edge : kEdges) cell.edges.push_back({edge.target, edge.source});
    for (int op = 0; op < kOpCount; ++op) cell.choices[0].ops.push_back(op_name(Op(op)).data());
    return cell;
  }();
  return spec;
}

Graph network(const NetworkOptions& options, std::span<const Genes> paths) {
  RLNAS_CHECK(options.classes > 0, usage, "--classes ", options.classes, ": must be positive");
  RLNAS_CHECK(options.image_size > 0 && options.image_size % 4 == 0, usage, "--image-size ",
              options.image_size, ": must be a positive multiple of 4");
  const int cells = cells_per_stage(options);
  RLNAS_CHECK(paths.size() <= 1 || int(paths.size()) == kStages * cells, run_failed, "a SuperNet of ",
              kStages * cells, " cells given ", paths.size(), " paths");
  const Affine affine = options.kind == NetworkKind::stand_alone ? Affine::yes : Affine::no;
  int channels = first_channels(options), position = 0, cell = 0;
  Graph graph;
  int x = graph.input({3, options.image_size, options.image_size});
  graph.begin_stage("stem");
  x = graph.conv(x, "stem.0", {.out_channels = channels, .kernel = 3, .padding = 1});
  x = graph.boundary(graph.sum({graph.batch_norm(x, "stem.1")}));  // node 0 of the first cell
  graph.add_feature("stem", x);
  for (std::size_t stage = 0; stage < kStages; ++stage) {
    if (stage > 0) {
      channels *= 2;
      graph.begin_stage(kBlockNames[stage]);
      graph.begin_unit();
      x = graph.boundary(reduction_block(graph, x, "cells." + std::to_string(position++), channels));
      graph.add_feature(kBlockNames[stage], x);
    }
    for (int i = 0; i < cells; ++i, ++cell) {
      graph.begin_stage(kStageNames[stage]);
      graph.begin_unit();
      std::span<const std::int8_t> ops;
      if (!paths.empty()) ops = paths[paths.size() == 1 ? 0 : std::size_t(cell)];
      x = graph.boundary(searchable_cell(graph, x, position++, ops, affine));
      graph.add_feature("cell " + std::to_string(cell), x);
    }
  }
  graph.begin_stage("head");
  graph.begin_unit();
  x = graph.relu(graph.batch_norm(x, "lastact.0"));
  x = graph.global_avg_pool(x);
  graph.add_feature("features", x);
  graph.add_output(graph.linear(x, "classifier", options.classes));
  return graph;
}

std::vector<ChoiceSite> choice_sites(const NetworkOptions& options) {
  std::vector<ChoiceSite> sites;
  int position = 0, channels = first_channels(options);
  for (int stage = 0; stage < kStages; ++stage, ++position, channels *= 2)
    for (int i = 0; i < cells_per_stage(options); ++i, ++position)
      for (int edge = 0; edge < kEdgeCount; ++edge)
        sites.push_back({.gene = edge, .cell = position, .edge = edge, .channels = channels});
  return sites;
}

}  // namespace rlnas::nasbench201
