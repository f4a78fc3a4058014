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
  // How values of an indicator are measured in this run: what is read of it must have been measured so.
  void set_stamp(const std::string& indicator, std::string stamp) { stamps_[indicator] = std::move(stamp); }
  std::optional<double> find(const std::string& indicator, const Genes& genes) const;
  void put(const std::string& indicator, const Genes& genes, double value);

  // A table: a line "# rlnas scores", a line "# KEY: STAMP" for each indicator, a header with "arch" and the
  // keys, and one line an architecture; a field may be empty.
  std::string csv(const Space& space) const;
  // Adds such a table's values, or those of a report of --csv, which has no stamps; columns of other things
  // are left alone. Indicators without a stamp of this run are kept with the table's, so that writing it
  // again loses nothing. `key_of`: the architecture that a value is kept under. Errors: data, naming `flag`,
  // the file and the line: a table that cannot be read, an indicator of another stamp, an architecture that
  // is none of the space, a value that is no number.
  template <class KeyOf>
  void read(const std::string& flag, const std::string& path, const Space& space, const KeyOf& key_of) {
    for (const Row& row : read_rows(flag, path, space))
      put(row.indicator, key_of(row.indicator, row.genes), row.value);
  }

 private:
  struct Row {
    std::string indicator;
    Genes genes;
    double value;
  };
  std::vector<Row> read_rows(const std::string& flag, const std::string& path, const Space& space);

  using ByGenes = std::map<Genes, double>;
  std::map<std::string, ByGenes> values_;      // of each indicator
  std::map<std::string, std::string> stamps_;  // likewise
};

}  // namespace rlnas
