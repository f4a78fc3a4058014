// A search space as search, report and applications see it: gene strings with their names, scores and costs.
// One implementation per space; evolution and the other methods need only EvolutionSpace of it.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "search/angle.h"
#include "search/evolution.h"
#include "search/exact.h"

namespace rlnas {

struct Constraint {
  std::int64_t max_macs = std::numeric_limits<std::int64_t>::max();  // as the space counts them
  std::int64_t max_params = std::numeric_limits<std::int64_t>::max();
};

// What a space is searched for.
struct SpaceSpec {
  std::string name = "nasbench201";
  int classes = 10;
  int image_size = 32;
  ScoreKind score = ScoreKind::angle;
  Constraint constraint = {};
  Compat compat = Compat::none;  // megvii: angles composed as the published code does, flaws included
};

struct NamedNumber {
  const char* name;
  std::int64_t value;
};

// How often paths from the inputs to the output run over each edge of a cell. Source: method.md 7.3.
struct CellPaths {
  struct Edge {
    int target = 0;
    int source = 0;
    int paths = 0;
  };
  std::string cell;  // "normal"; empty where there is one kind of cell
  int live = 0;      // paths in all
  std::vector<Edge> edges;
};

class SearchSpace : public EvolutionSpace {
 public:
  // The value of --space: "nasbench201", "darts-cifar", "darts-imagenet", "mobilenet".
  virtual std::string name() const = 0;
  // One line that parse() and --arch take back.
  virtual std::string text(const Genes& genes) const = 0;
  // Errors: usage, saying at which character and what was expected there.
  virtual Genes parse(const std::string& text) const = 0;
  // The architecture for people, some lines of text.
  virtual std::string drawing(const Genes& genes) const = 0;
  // What else the space's literature knows an architecture by.
  virtual std::vector<NamedNumber> numbers(const Genes&) const { return {}; }

  virtual double angle_rad(const Genes& genes) const = 0;
  virtual double op_angle_sum(const Genes& genes) const = 0;
  virtual std::int64_t params(const Genes& genes) const = 0;
  virtual std::int64_t angle_vector_length(const Genes& genes) const = 0;
  // Of each kind of cell; none where the network is a chain.
  virtual std::vector<CellPaths> cell_paths(const Genes&) const { return {}; }

  // Whether exact() exists.
  virtual bool searches_exactly() const { return false; }
  struct Optimum {
    Genes genes = {};        // empty: no architecture is within the limits
    bool proven = false;     // no other has a larger angle
    double bound_rad = 0.0;  // no architecture within the limits has a larger one
    std::int64_t nodes = 0;  // of the search tree
    double seconds = 0.0;
  };
  // The architecture with the largest angle within the limits. Errors: usage when there is no such method.
  virtual Optimum exact() const;
};

// The number of gene strings; at most `limit`, which stands for all beyond.
std::int64_t gene_strings(const EvolutionSpace& space, std::int64_t limit);
// Place of a gene string in lexicographic order, and the other way round; of spaces with fewer than 2^63.
std::int64_t enumeration_index(const EvolutionSpace& space, const Genes& genes);
Genes genes_at(const EvolutionSpace& space, std::int64_t index);

}  // namespace rlnas
