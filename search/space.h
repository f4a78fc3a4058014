// A search space: the architectures it has (genes and their text), the networks they are (a graph), how the
// published code samples, trains and searches them, and what is peculiar about its angles and counts. All
// else is the same for every space and lies beside this file. A space is a file (space_file/); a published
// one also a folder for what no file says, and a line in spaces.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "engine/segment_table.h"
#include "ops/graph.h"
#include "rlnas/choices.hpp"
#include "rlnas/train.hpp"
#include "search/cell_spec.h"
#include "search/evolution.h"
#include "search/exact_search.h"
#include "search/genes.h"

namespace rlnas {

class SearchSpace;

class Space;
const Space& default_space();

enum class NetworkKind {
  supernet,     // every candidate's weights; a step runs a path
  stand_alone,  // one architecture by itself, as it is trained in the end
  mixed,        // all candidates, weighted by what a differentiable search moves
};

struct NetworkOptions {
  NetworkKind kind = NetworkKind::supernet;
  int classes = 10;
  int image_size = 32;
  int channels = 0;       // of the first cells; 0: as published
  int cells = 0;          // as the space counts them; 0: as published
  int width_divisor = 1;  // of all channel counts but the images'; above 1 for tests
  double auxiliary_weight =
      0.0;                // of a stand-alone network's auxiliary loss, where the space has one; 0: none
  int channel_share = 1;  // of a mixed network: one channel of so many goes through the candidates
};

// What a differentiable search moves: numbers in a flat buffer, a softmax of which gives the weights of a
// mixed network's sums, group by group.
struct MixtureSpec {
  struct Softmax {
    int first = 0, count = 0;
  };
  SegmentTable logits;
  std::vector<Softmax> groups;
  int alphas =
      0;  // groups that begin before this are the candidates of an edge, later ones the edges of a node
};

// Published constants of a space's search. Source: method.md 8.1, 9.
struct SearchDefaults {
  EvolutionOptions evolution;   // population, parents, mutants, crossovers, seed, and labels drawn first
  double max_mflops = 0.0;      // 0: no limit
  std::int64_t max_params = 0;  // likewise
  int classes = 10;
  int image_size = 32;
};

struct SpaceInfo {
  const char* name;              // the value of --space; of a file's "NAME@CRC"
  const char* title;             // for people
  const char* signature_tensor;  // one that no other space's SuperNet has
  int image_halvings;            // the side of an image divides by two so often
  SearchDefaults search;
  CifarConstants cifar_constants = CifarConstants::nasbench201;
  const char* cost_name = "FLOPs";          // what macs() counts, as the space's literature calls it
  std::vector<int> benchmark_classes = {};  // of a public benchmark's data sets
  bool every_cell_has_a_path = false;       // in training, as published; else one for the whole network
  // FLOPs of the classifier by the published counter, and its source.
  std::int64_t (*classifier_flops)(std::int64_t in, std::int64_t out);
};

// The paths that a training run takes at step 0, 1, 2, ..., in any order: one for the whole network, or one
// for each cell that has its own.
using StepPaths = std::function<std::vector<Genes>(std::int64_t step)>;

struct SamplerOptions {
  std::uint64_t seed = 0;
  Compat compat = Compat::none;  // megvii: the published draws, bit for bit
  int own_paths = 0;             // cells that have a path of their own; 0: one for the whole network
};

// A place where an operation is chosen.
struct ChoiceSite {
  int gene = 0;
  int cell = 0;  // with its edge the owner of its tensors
  int edge = 0;
  int channels = 0;            // of its input
  bool changes_shape = false;  // its output has another shape
};

// What an operation without weights puts into the vector of the angle. Source: method.md 7.2, appendix C.
enum class AngleConstant {
  none,
  pool_kernel,  // C x 3 x 3 entries of 1/9
  identity,     // a C x C identity matrix
};

class Space {
 public:
  virtual ~Space() = default;
  virtual const SpaceInfo& info() const = 0;
  std::string name() const { return info().name; }
  // The text of the file it was read from; empty where it is built in.
  virtual std::string file_text() const { return ""; }

  // ---- architectures ------------------------------------------------------------------------------------
  // The kinds of cells, whose edges are the genes, one cell after the other; none where the network is a
  // chain.
  virtual const std::vector<CellSpec>& cells() const;
  virtual int gene_count() const;
  virtual int choices(int gene) const;
  // One line that parse() and --arch take back.
  virtual std::string text(const Genes& genes) const = 0;
  // Errors: usage, saying at which character and what was expected there.
  virtual Genes parse(const std::string& text) const = 0;
  // The architecture for people, some lines of text.
  virtual std::string drawing(const Genes& genes) const;
  // For figures: the place that a gene stands for ("node 2 <- cell k-1", within its cell; "block 7") and what
  // can be chosen there.
  virtual std::string place_name(int gene) const;
  virtual std::string choice_name(int gene, int choice) const;
  // Whether genes within their ranges are an architecture; repair() makes raw ones such, drawing from
  // below(n).
  virtual bool valid(const Genes&) const { return true; }
  virtual const char* rule() const { return ""; }  // that valid() checks, in words
  virtual void repair(Genes&, const std::function<std::uint32_t(std::uint32_t)>& /*below*/) const {}
  // An architecture with the largest activations, for planning.
  virtual Genes largest() const = 0;
  // Architectures of which one takes the most memory, where that is not known to be the largest.
  virtual std::vector<Genes> large_ones() const { return {largest()}; }
  // Architectures that the progress of training is told by, the same in every run.
  virtual std::vector<Genes> angle_sample(int count) const = 0;
  // Architectures of a public benchmark in its order; 0: there is none.
  virtual int benchmark_size() const { return 0; }
  virtual Genes benchmark_genes(int index) const;
  virtual int benchmark_index(const Genes& genes) const;
  // Its accuracies, as a gzipped table (ground_truth.h); empty: not part of the program.
  virtual std::span<const unsigned char> benchmark_table() const { return {}; }

  // ---- networks -----------------------------------------------------------------------------------------
  // Along one path for the whole network, or one for each cell that has its own; without any, of all
  // candidate operations side by side: not to be run, but for its tensors and costs. Errors: usage, naming
  // the flag, for a network that cannot be.
  virtual Graph network(const NetworkOptions& options, std::span<const Genes> paths) const = 0;
  // Of the mixed network, and the architecture that its weights [buffer_count of the spec] favour. Errors:
  // usage where there is no such network.
  virtual MixtureSpec mixture(const NetworkOptions& options) const;
  virtual Genes favoured(const NetworkOptions& options, std::span<const float> weights) const;
  // Cells that can have a path of their own.
  virtual int searchable_cells(const NetworkOptions&) const { return 1; }
  virtual std::vector<ChoiceSite> choice_sites(const NetworkOptions& options) const = 0;
  // The stand-alone network whose FLOPs and parameters count in a search.
  virtual NetworkOptions published_stand_alone(int classes, int image_size) const;

  // ---- as published -------------------------------------------------------------------------------------
  virtual StepPaths make_sampler(const SamplerOptions& options) const = 0;
  virtual TrainConfig supernet_recipe() const = 0;
  virtual TrainConfig retrain_recipe() const = 0;
  // Of a differentiable search. Errors: usage where there is none.
  virtual TrainConfig mixture_recipe(TrainMethod method) const;
  virtual GeneRange published_mutation_range(int gene) const { return {0, choices(gene)}; }
  virtual PublishedSearch published_search() const { return PublishedSearch::skip_seen; }
  // Labels that the published search draws before it begins.
  virtual int label_draws(int /*classes*/) const { return info().search.evolution.label_draws; }
  // How often a tensor of the SuperNet enters the vector of the angle, for each path that runs over it.
  virtual int occurrences(const Segment&, Compat) const { return 1; }
  virtual AngleConstant constant_of(int op, const ChoiceSite& site) const = 0;

  // ---- exact search -------------------------------------------------------------------------------------
  // The architecture with the largest angle within the limits. Errors: usage when there is no such method.
  virtual Optimum exact(const SearchSpace& space) const;
};

// The site that owns a tensor or a node; -1: the fixed part of the network.
int gene_of(const std::vector<ChoiceSite>& sites, int cell, int edge);

}  // namespace rlnas
