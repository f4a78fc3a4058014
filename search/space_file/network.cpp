#include "search/space_file/network.h"

#include <algorithm>
#include <utility>

#include "kernels/check.h"
#include "search/space_file/builder.h"

namespace rlnas::space_file {
namespace {

int stride_of(const std::vector<Layer>& layers) {
  int stride = 1;
  for (const Layer& layer : layers) stride *= layer.stride;
  return stride;
}

// "nodes 2, 3, 4 and 5"
std::string side_by_side(const Cell& cell) {
  const int last = cell.nodes - 1;
  if (last == cell.inputs) return "node " + std::to_string(last);
  std::string text = "nodes " + std::to_string(cell.inputs);
  for (int node = cell.inputs + 1; node < last; ++node) text += ", " + std::to_string(node);
  return text + " and " + std::to_string(last);
}

}  // namespace

bool Network::halves(std::size_t kind) const {
  return std::any_of(description_.stages.begin(), description_.stages.end(), [&](const Stage& stage) {
    return stage.opening_cell == int(kind) && stage.stride == 2;
  });
}

// What the graph's and the angle's code want to know of a kind of cells.
CellSpec Network::spec_of(std::size_t kind) {
  const auto kept = [&](const std::string& text) { return words_.emplace_back(text).c_str(); };
  const Cell& cell = description_.cells[kind];
  const bool halves_image = halves(kind);
  CellSpec spec;
  if (description_.cells.size() > 1) spec.name = kept(cell.name), spec.heading = kept(cell.title + "\n");
  spec.inputs = cell.inputs;
  spec.edges_per_node = cell.edges_per_node;
  spec.joins_by_concat = cell.joins_by_concat;
  spec.choices.clear();
  for (const Edge& edge : cell.edges) {
    spec.edges.push_back({edge.target, edge.source});
    EdgeChoices& choices = spec.choices.emplace_back();
    for (int op = 0; op < int(edge.choices.size()); ++op) {
      const Choice& choice = edge.choices[std::size_t(op)];
      choices.ops.push_back(kept(choice.name));
      if (choice.operation->is_none()) choices.none = op;
      if (choice.operation->passes_on && !(halves_image && edge.source < cell.inputs)) choices.identity = op;
    }
  }
  spec.node_names =
      cell.inputs == 2 ? std::vector<const char*>{"cell k-2", "cell k-1"} : std::vector<const char*>{"input"};
  for (int node = cell.inputs; node < cell.nodes; ++node)
    spec.node_names.push_back(
        node + 1 == cell.nodes && !cell.concatenates ? "output" : kept("node " + std::to_string(node)));
  spec.first_output = cell.concatenates ? cell.inputs : cell.nodes - 1;
  std::string lines;
  if (cell.joins_by_concat) lines += "  every node: its edges side by side, and a 1x1 convolution\n";
  if (cell.concatenates && cell.inputs == 1)
    lines += "  output = all nodes side by side, and a 1x1 convolution\n";
  if (cell.concatenates && cell.inputs == 2) lines += "  output = " + side_by_side(cell) + " side by side\n";
  spec.output_line = kept(lines);
  return spec;
}

Network::Network(const Description& description)
    : description_(description), choice_names_(description.choice_names) {
  for (std::size_t kind = 0; kind < description.cells.size(); ++kind) cells_.push_back(spec_of(kind));
  int channels = 3, reduction = stride_of(description.stem);
  for (const Layer& layer : description.stem) channels = layer.channels;
  for (std::size_t s = 0; s < description.stages.size(); ++s) {
    const Stage& stage = description.stages[s];
    stage_names_.push_back("stage " + std::to_string(s + 1));
    opening_names_.push_back((stage.opening_cell < 0 ? "block "
                              : stage.stride == 2    ? "reduction "
                                                     : "opening ") +
                             std::to_string(s));
    for (int i = 0; i < (description.has_cells() ? 0 : stage.repeats); ++i) {
      Block& block = blocks_.emplace_back();
      block.stage = int(s);
      block.in = channels;
      block.stride = i == 0 ? stage.stride : 1;
      block.opens_stage = i == 0;
      block.changes_shape = block.stride != 1 || channels != stage.channels;
      block.reduction = reduction;
      for (const Choice& choice : stage.choices)
        if (is_offered(choice, channels, stage.channels, block.stride)) block.choices.push_back(&choice);
      channels = stage.channels;
      reduction *= block.stride;
    }
  }
}

NetworkOptions Network::sized(NetworkOptions options) const {
  if (options.kind == NetworkKind::supernet) return options;
  if (options.channels == 0) options.channels = description_.alone_channels;
  if (options.cells == 0) options.cells = description_.alone_cells;
  return options;
}

// --cells are those of a stage; of two inputs those of the network, of which every stage gets its share.
int Network::repeats(std::size_t s, const NetworkOptions& options) const {
  const Stage& stage = description_.stages[s];
  if (options.cells == 0) return stage.repeats;
  if (!description_.has_two_inputs()) return options.cells;
  const int stages = int(description_.stages.size());
  const int first = options.cells * int(s) / stages, behind = options.cells * (int(s) + 1) / stages;
  return behind - first - (stage.opening_cell >= 0 ? 1 : 0);
}

// --channels are those of the first stage; the others keep their proportion.
int Network::width(int channels, const NetworkOptions& options) const {
  const int first = description_.stages.front().channels;
  if (options.channels > 0) channels = int(std::int64_t(channels) * options.channels / first);
  return std::max(1, channels / options.width_divisor);
}

// Cells with two inputs have one path for the whole network, as DARTS' do.
int Network::searchable_cells(const NetworkOptions& options) const {
  if (!description_.has_cells() || description_.has_two_inputs()) return 1;
  int cells = 0;
  for (std::size_t s = 0; s < description_.stages.size(); ++s) cells += repeats(s, sized(options));
  return cells;
}

int Network::image_halvings() const {
  int reduction = stride_of(description_.stem) * stride_of(description_.head);
  for (const Stage& stage : description_.stages)
    reduction *=
        !description_.has_cells() || stage.opening_cell >= 0 ? stage.stride : stride_of(stage.opening);
  int halvings = 0;
  for (; reduction > 1; reduction /= 2) ++halvings;
  return halvings;
}

void Network::check(const NetworkOptions& options, std::span<const Genes> paths) const {
  const int divisor = 1 << image_halvings();
  RLNAS_CHECK(options.classes > 0, usage, "--classes ", options.classes, ": must be positive");
  RLNAS_CHECK(options.image_size > 0 && options.image_size % divisor == 0, usage, "--image-size ",
              options.image_size, ": must be a positive multiple of ", divisor);
  const int cells = searchable_cells(options);
  RLNAS_CHECK(paths.size() <= 1 || int(paths.size()) == cells, run_failed, "a SuperNet of ", cells,
              " cells given ", paths.size(), " paths");
  if (!description_.has_two_inputs()) return;
  const int stages = int(description_.stages.size());
  RLNAS_CHECK(options.cells == 0 || options.cells >= stages, usage, "--cells ", options.cells, ": there are ",
              stages, " stages, each of a cell at least");
  const int narrowest = width(description_.stages.front().channels, options);
  RLNAS_CHECK(narrowest % 2 == 0, usage, "--channels ", narrowest,
              ": must be positive and even, for cells with two inputs");
}

Graph Network::graph(const NetworkOptions& options, std::span<const Genes> paths) const {
  const NetworkOptions whole = sized(options);
  check(whole, paths);
  return build_graph(*this, whole, paths);
}

std::vector<ChoiceSite> Network::sites(const NetworkOptions& given) const {
  const NetworkOptions options = sized(given);
  std::vector<ChoiceSite> sites;
  for (std::size_t b = 0; b < blocks_.size(); ++b)
    sites.push_back({.gene = int(b),
                     .cell = int(b),
                     .channels = width(blocks_[b].in, options),
                     .changes_shape = blocks_[b].changes_shape});
  if (!description_.has_cells()) return sites;
  std::vector<int> first{0};  // gene of each kind of cells
  for (const Cell& cell : description_.cells) first.push_back(first.back() + int(cell.edges.size()));
  int position = 0;
  const auto add = [&](int kind, const Stage& stage, int stride) {
    const Cell& cell = description_.cells[std::size_t(kind)];
    for (int edge = 0; edge < int(cell.edges.size()); ++edge)
      sites.push_back({.gene = first[std::size_t(kind)] + edge,
                       .cell = position,
                       .edge = edge,
                       .channels = width(stage.channels, options),
                       .changes_shape = stride == 2 && cell.edges[std::size_t(edge)].source < cell.inputs});
    ++position;
  };
  for (std::size_t s = 0; s < description_.stages.size(); ++s) {
    const Stage& stage = description_.stages[s];
    position += int(stage.opening.size());
    if (stage.opening_cell >= 0) add(stage.opening_cell, stage, stage.stride);
    for (int i = 0; i < repeats(s, options); ++i) add(stage.cell, stage, 1);
  }
  return sites;
}

}  // namespace rlnas::space_file
