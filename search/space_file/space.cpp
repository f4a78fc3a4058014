#include "search/space_file/space.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <string_view>
#include <utility>

#include "engine/crc32.h"
#include "engine/philox.h"
#include "kernels/check.h"
#include "search/exact_cells.h"
#include "search/large_ones.h"
#include "search/recipes.h"
#include "search/search_space.h"
#include "search/text_cursor.h"

namespace rlnas::space_file {
namespace {

constexpr std::int64_t kMostEnumerated = 10'000'000;

std::string stamped(const std::string& name, const Field& file) {
  char crc[16];
  // Keys in alphabetical order: a file may be written in any.
  std::snprintf(crc, sizeof crc, "@%08x", crc32_of(nlohmann::json(file.json()).dump()));
  return name + crc;
}

// Whether a name is that of a pattern in which * stands for anything.
bool matches(std::string_view name, std::string_view pattern) {
  std::size_t n = 0, p = 0, star = std::string_view::npos, behind_star = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++, behind_star = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1, n = ++behind_star;  // the last star takes one more
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::int64_t matrix_cost(std::int64_t in, std::int64_t out) {
  return in * out;
}
std::int64_t matrix_and_bias_cost(std::int64_t in, std::int64_t out) {
  return in * out + out;
}
std::int64_t separate_cost(std::int64_t in, std::int64_t out) {
  return (2 * in - 1) * out;
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size() + 2), ' ');
  return text;
}

// visit(cell, its first gene) for every kind of cells.
template <class Visit>
void for_each_cell(const std::vector<CellSpec>& cells, const Visit& visit) {
  std::size_t first = 0;
  for (const CellSpec& cell : cells) {
    visit(cell, first);
    first += cell.edges.size();
  }
}

}  // namespace

FileSpace::FileSpace(const std::string& text, const std::string& where, Origin origin)
    : text_(text),
      origin_(origin),
      file_(text, where),
      description_(read_description(file_)),
      name_(origin == Origin::file ? stamped(description_.name, file_) : description_.name),
      network_(description_),
      recipes_(read_recipes(file_, description_.image_size)) {
  describe();
  read_candidates();
  if (origin == Origin::file) check_networks(file_);
}

void FileSpace::describe() {
  info_.name = name_.c_str();
  info_.title = description_.title.c_str();
  info_.signature_tensor = "";  // never recognised: a file has to be named
  info_.image_halvings = network_.image_halvings();
  info_.search = later_search_defaults();
  info_.search.max_mflops = description_.max_mflops;
  info_.search.max_params = description_.max_params;
  info_.search.classes = info_.search.evolution.label_classes = description_.classes;
  info_.search.image_size = description_.image_size;
  info_.cost_name = "MACs";
  info_.every_cell_has_a_path = description_.has_cells() && !description_.has_two_inputs();
  info_.cifar_constants = description_.cifar_constants;
  switch (description_.classifier_cost) {
    case ClassifierCost::matrix:
      info_.classifier_flops = matrix_cost;
      break;
    case ClassifierCost::matrix_and_bias:
      info_.classifier_flops = matrix_and_bias_cost;
      break;
    case ClassifierCost::multiplications_and_additions:
      info_.classifier_flops = separate_cost;
      break;
  }
}

void FileSpace::read_candidates() {
  for (const CellSpec& cell : cells()) has_rule_ = has_rule_ || cell.edges_per_node > 0;
  for (const Cell& cell : description_.cells) {
    int first_edge = int(candidates_.size());
    for (std::size_t e = 0; e < cell.edges.size(); ++e) {
      const Edge& edge = cell.edges[e];
      Candidates& one = candidates_.emplace_back();
      for (const Choice& choice : edge.choices) one.choices.push_back(&choice);
      one.place = "edge " + std::to_string(edge.target) + "<-" + std::to_string(edge.source);
      if (description_.cells.size() > 1) one.place += " of cell " + cell.name;
      one.opens = e == 0;
      one.first_edge = first_edge;
      one.draws_anew = e + 1 == cell.edges.size() || cell.edges[e + 1].target != edge.target;
      if (one.draws_anew) first_edge = int(candidates_.size());
    }
  }
  for (const Network::Block& block : network_.blocks())
    candidates_.push_back({.choices = block.choices,
                           .place = "block " + std::to_string(candidates_.size()),
                           .opens = block.opens_stage});
}

// A network that cannot be is found here, not at the first step.
void FileSpace::check_networks(const Field& file) const {
  try {
    for (const NetworkKind kind : {NetworkKind::supernet, NetworkKind::stand_alone}) {
      const Graph graph =
          network({.kind = kind, .classes = description_.classes, .image_size = description_.image_size}, {});
      std::set<std::string> names;
      for (const Node& node : graph.nodes())
        if ((node.kind == NodeKind::conv || node.kind == NodeKind::batch_norm ||
             node.kind == NodeKind::linear) &&
            !names.insert(node.name).second)
          file.fail("two layers have weights called " + node.name);
    }
  } catch (const Error& error) {
    if (std::string_view(error.what()).find(": line ") != std::string_view::npos) throw;
    file.fail(error.what());
  }
}

int FileSpace::Candidates::place_of(std::string_view word) const {
  for (std::size_t op = 0; op < choices.size(); ++op)
    if (word == choices[op]->name || word == std::to_string(op)) return int(op);
  return -1;
}

std::string FileSpace::Candidates::names() const {
  std::string text;
  for (const Choice* choice : choices) text += (text.empty() ? "" : ", ") + choice->name;
  return text;
}

std::string FileSpace::text(const Genes& genes) const {
  check(genes);
  std::string text;
  for (std::size_t g = 0; g < genes.size(); ++g) {
    if (g > 0) text += candidates_[g].opens ? " | " : " ";
    text += candidates_[g].choices[std::size_t(genes[g])]->name;
  }
  return text;
}

Genes FileSpace::parse(const std::string& text) const {
  TextCursor cursor(text);
  Genes genes;
  std::vector<std::size_t> starts;  // of each operation
  for (std::size_t g = 0; g < candidates_.size(); ++g) {
    const std::size_t bar = cursor.position();
    if (g > 0 && cursor.take('|') && !candidates_[g].opens)
      cursor.fail_at(bar, "a bar before " + candidates_[g].place + ", which it does not open");
    cursor.take(',');
    if (cursor.at_end())
      cursor.fail_here("the text ends before " + candidates_[g].place + " (" +
                       std::to_string(candidates_.size()) + " operations are needed)");
    const std::size_t start = cursor.position();
    starts.push_back(start);
    const std::string_view word = cursor.word(",|");
    const int op = candidates_[g].place_of(word);
    if (op < 0)
      cursor.fail_at(start, "'" + std::string(word) + "' is none of the operations of " +
                                candidates_[g].place + ": " + candidates_[g].names());
    genes.push_back(std::int8_t(op));
  }
  if (!cursor.at_end()) cursor.fail_here("unexpected text after the last operation");
  for_each_cell(cells(), [&](const CellSpec& cell, std::size_t first) {
    const std::span<const std::int8_t> ops = std::span(genes).subspan(first);
    const int node = node_against_rule(cell, ops);
    if (node < 0) return;
    std::size_t edge = 0;
    while (cell.edges[edge].target != node) ++edge;
    cursor.fail_at(starts[first + edge], std::string(cell.node_names[std::size_t(node)]) + " has " +
                                             std::to_string(live_edges_of(cell, ops, node)) +
                                             " operations that are not none, not " +
                                             std::to_string(cell.edges_per_node));
  });
  return genes;
}

bool FileSpace::valid(const Genes& genes) const {
  if (!has_rule_) return true;
  check(genes);
  bool valid = true;
  for_each_cell(cells(), [&](const CellSpec& cell, std::size_t first) {
    valid = valid && node_against_rule(cell, std::span(genes).subspan(first)) < 0;
  });
  return valid;
}

void FileSpace::repair(Genes& genes, const Below& below) const {
  for_each_cell(cells(), [&](const CellSpec& cell, std::size_t first) {
    repair_cell(cell, std::span(genes).subspan(first), below);
  });
}

std::string FileSpace::drawing(const Genes& genes) const {
  check(genes);
  if (description_.has_cells()) return Space::drawing(genes);
  std::string text = padded("block", 7) + padded("operation", 24) + padded("channels", 12) + "side\n";
  for (std::size_t b = 0; b < genes.size(); ++b) {
    const Network::Block& block = network_.blocks()[b];
    const int side = description_.image_size / block.reduction;
    if (b > 0 && block.opens_stage) text += '\n';
    text += padded(std::to_string(b), 7) + padded(block.choices[std::size_t(genes[b])]->name, 24);
    text += padded(std::to_string(block.in) + " -> " +
                       std::to_string(description_.stages[std::size_t(block.stage)].channels),
                   12);
    text += std::to_string(side) + " -> " + std::to_string(side / block.stride) + '\n';
  }
  return text;
}

std::string FileSpace::choice_name(int gene, int choice) const {
  return candidates_[std::size_t(gene)].choices[std::size_t(choice)]->name;
}

std::vector<Genes> FileSpace::large_ones() const {
  std::vector<Genes> all =
      find_large_ones(*this, {.classes = description_.classes, .image_size = description_.image_size});
  if (origin_ == Origin::built_in) all.resize(1);
  return all;
}

// Of a space that can be counted by their number, as NAS-Bench-201 does.
std::vector<Genes> FileSpace::angle_sample(int count) const {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  const std::int64_t size = gene_strings(*this, kMost);
  std::vector<CellPathTable> paths;
  for (const CellSpec& cell : cells()) paths.emplace_back(cell);
  std::vector<Genes> sample;
  RandomStream random(0, "angle-sample");
  for (std::uint64_t trial = 0; int(sample.size()) < count; ++trial) {
    const bool by_number = description_.has_cells() && size < kMost && !has_rule_;
    if (has_rule_) random = RandomStream(0, "path", trial);  // as DARTS does
    Genes genes = by_number ? genes_at(*this, random.below(std::uint32_t(size))) : draw(random);
    std::size_t first = 0;
    bool lives = true;
    for (std::size_t c = 0; c < paths.size(); first += cells()[c++].edges.size())
      lives = lives && paths[c].live_paths(std::span(genes).subspan(first)) > 0;
    if (lives) sample.push_back(std::move(genes));
  }
  return sample;
}

Graph FileSpace::network(const NetworkOptions& options, std::span<const Genes> paths) const {
  return network_.graph(options, paths);
}

int FileSpace::searchable_cells(const NetworkOptions& options) const {
  return network_.searchable_cells(options);
}

std::vector<ChoiceSite> FileSpace::choice_sites(const NetworkOptions& options) const {
  return network_.sites(options);
}

StepPaths FileSpace::make_sampler(const SamplerOptions& options) const {
  RLNAS_CHECK(options.compat == Compat::none, usage, "--compat megvii: nobody has published draws for ",
              name(), "; leave it out");
  return [this, options](std::int64_t step) {
    std::vector<Genes> paths;
    for (int cell = 0; cell < std::max(1, options.own_paths); ++cell) {
      RandomStream random(options.seed, "path", std::uint64_t(step), std::uint64_t(cell));
      paths.push_back(draw(random));
    }
    return paths;
  };
}

int FileSpace::occurrences(const Segment& segment, Compat) const {
  const bool out = !description_.angle_of_all_tensors && segment.shape.size() < 2;
  return out || std::any_of(description_.angle_without.begin(), description_.angle_without.end(),
                            [&](const std::string& pattern) { return matches(segment.name, pattern); })
             ? 0
             : 1;
}

AngleConstant FileSpace::constant_of(int op, const ChoiceSite& site) const {
  const AngleConstant constant = candidates_[std::size_t(site.gene)].choices[std::size_t(op)]->constant;
  return constant == AngleConstant::identity && site.changes_shape ? AngleConstant::none : constant;
}

Optimum FileSpace::exact(const SearchSpace& space) const {
  if (!description_.has_cells()) return exact_of_chain(space);
  if (has_rule_ && can_pair_cells(*this)) return exact_of_cells(space);
  if (gene_strings(*this, kMostEnumerated) == kMostEnumerated) return Space::exact(space);
  return exact_by_enumeration(space);
}

// Every candidate alike; a node of a cell whose edges all came out as none is drawn again.
Genes FileSpace::draw(RandomStream& random) const {
  Genes genes;
  for_each_cell(cells(), [&](const CellSpec& cell, std::size_t) {
    if (cell.edges_per_node > 0)
      draw_cell(cell, random, genes);
    else
      draw_freely(genes.size() + cell.edges.size(), random, genes);
  });
  draw_freely(candidates_.size(), random, genes);  // of a chain
  return genes;
}

void FileSpace::draw_freely(std::size_t end, RandomStream& random, Genes& genes) const {
  bool all_none = true;
  for (std::size_t g = genes.size(); g < end; ++g) {
    const Candidates& one = candidates_[g];
    genes.push_back(std::int8_t(random.below(std::uint32_t(one.choices.size()))));
    all_none = all_none && one.choices[std::size_t(genes.back())]->operation->is_none();
    if (!one.draws_anew) continue;
    if (all_none) {
      genes.resize(std::size_t(one.first_edge));
      g = std::size_t(one.first_edge) - 1;
    }
    all_none = true;
  }
}

void FileSpace::check(const Genes& genes) const {
  RLNAS_CHECK(genes.size() == candidates_.size(), run_failed, "an architecture of ", name(), " has ",
              candidates_.size(), " genes, not ", genes.size());
  for (std::size_t g = 0; g < genes.size(); ++g)
    RLNAS_CHECK(genes[g] >= 0 && genes[g] < choices(int(g)), run_failed, "gene ", g, " is out of range");
}

std::unique_ptr<Space> make_space(const std::string& text, const std::string& where) {
  return std::make_unique<FileSpace>(text, where, FileSpace::Origin::file);
}

}  // namespace rlnas::space_file
