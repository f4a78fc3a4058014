// Values of indicators that cost a pass over a network, kept: what was measured once, in this run or in an
// earlier one, is not measured again.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "search/space.h"

namespace rlnas {

class ScoreBook {
 public:
  std::optional<double> find(const std::string& indicator, const Genes& genes) const;
  void put(const std::string& indicator, const Genes& genes, double value);

  // A table: a line "# rlnas scores: STAMP", where the stamp says how they were measured, a header with
  // "arch" and the keys of indicators, and one line an architecture; a field may be empty.
  std::string csv(const Space& space, const std::string& stamp) const;
  // Adds such a table's values, or those of a report of --csv, which has no stamp; columns of other things
  // are left alone. `key_of`: the architecture that a value is kept under. Errors: data, naming `flag`, the
  // file and the line: a table that cannot be read, of another stamp, an architecture that is none of the
  // space, a value that is no number.
  template <class KeyOf>
  void read(const std::string& flag, const std::string& path, const Space& space, const std::string& stamp,
            const KeyOf& key_of) {
    for (const Row& row : read_rows(flag, path, space, stamp))
      put(row.indicator, key_of(row.indicator, row.genes), row.value);
  }

 private:
  struct Row {
    std::string indicator;
    Genes genes;
    double value;
  };
  static std::vector<Row> read_rows(const std::string& flag, const std::string& path, const Space& space,
                                    const std::string& stamp);

  using ByGenes = std::map<Genes, double>;
  std::map<std::string, ByGenes> values_;  // of each indicator
};

}  // namespace rlnas
