// The angle of any architecture from the table of its choices and the paths that run over them: a few
// additions. Source: method.md 7.2-7.5.
#pragma once

#include <span>
#include <vector>

#include "search/cell_spec.h"
#include "search/choice_tables.h"

namespace rlnas {

class ArchitectureAngles {
 public:
  ArchitectureAngles(const Space& space, AngleTable table);

  const AngleTable& table() const { return table_; }

  // The three sums of an architecture's whole weight vector; zeros where no path leads through a cell.
  AngleSums sums(const Genes& genes) const;
  // Angle between the architecture's weight vectors, in radians; 0 where no path leads through a cell.
  // Architectures whose vectors hold the same entries as often get bit-equal angles: ties stay ties.
  double angle_rad(const Genes& genes) const;
  // Sum of the own angles of the operations that paths run over: no multiplicity, no fixed part, no
  // constants.
  double op_angle_sum(const Genes& genes) const;
  // Of each kind of cell; none where the network is a chain.
  std::vector<CellPaths> cell_paths(const Genes& genes) const;

  // Calls visit(gene, paths) for every gene; false where no path leads through a cell.
  template <class Visit>
  bool visit_paths(const Genes& genes, const Visit& visit) const {
    if (paths_.empty()) {
      for (int gene = 0; gene < int(genes.size()); ++gene) visit(gene, 1);
      return true;
    }
    int first = 0;
    for (const CellPathTable& table : paths_) {
      const std::span<const std::int8_t> ops = std::span(genes).subspan(std::size_t(first));
      if (table.live_paths(ops) == 0) return false;
      for (const int paths : table.multiplicity(ops)) visit(first++, paths);
    }
    return true;
  }

 private:
  const Space& space_;
  AngleTable table_;
  std::vector<CellPathTable> paths_;  // of each kind of cell
};

}  // namespace rlnas
