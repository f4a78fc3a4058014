// True accuracies of all architectures of a space that has a public benchmark, from a CSV table (plain or
// .gz). Header `index,arch,<columns>`: index is the benchmark index, arch the architecture string (which may
// be left out). Every
// numeric column is an accuracy, except those whose names begin with params_ or flops_; other columns are
// ignored.
#pragma once

#include <string>
#include <vector>

#include "search/space.h"

namespace rlnas {

struct TruthColumn {
  std::string name;
  std::vector<double> accuracy;  // by enumeration index
};

struct GroundTruth {
  std::vector<TruthColumn> columns;
};

// `path`: a file, or the name of a space whose table is part of the program. Rows may come in any order.
// Errors: data, naming the file and the line: missing file, damaged .gz, wrong header, wrong number of
// fields, an arch that is not that of its index, a repeated or missing row, a value that is not a finite
// number.
GroundTruth read_ground_truth(const std::string& path, const Space& space);

// Where one architecture stands in a column.
struct Standing {
  double accuracy = 0.0;
  int rank = 1;             // 1 + number of strictly better architectures
  double percentile = 0.0;  // share of the others that are not better, 0..100
};

Standing standing_of(const TruthColumn& column, int enumeration_index);

}  // namespace rlnas
