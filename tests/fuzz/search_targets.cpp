// What searches read: architectures as texts, tables, files of spaces.
#include <cmath>

#include "search/ground_truth.h"
#include "search/indicator.h"
#include "search/score_book.h"
#include "search/space_file/space.h"
#include "search/spaces.h"
#include "tests/fuzz/target_list.h"

namespace rlnas::fuzz {
namespace {

// A space with 8 architectures, so that a whole table of truth fits into an input.
class SmallTable : public space_file::FileSpace {
 public:
  SmallTable()
      : FileSpace(R"({"name": "small", "cells": {"c": {"nodes": 3, "ops": ["conv_3x3", "none"]}},
                      "stem": [{"op": "conv_3x3", "channels": 8}], "stages": [{"channels": 8}]})",
                  "small", Origin::file) {}
  int benchmark_size() const override { return 8; }
  Genes benchmark_genes(int index) const override {
    return {std::int8_t(index % 2), std::int8_t(index / 2 % 2), std::int8_t(index / 4)};
  }
};

void check_round_trip(const Space& space, const Genes& genes) {
  require(int(genes.size()) == space.gene_count(), "an architecture has all genes");
  for (int gene = 0; gene < space.gene_count(); ++gene)
    require(genes[std::size_t(gene)] >= 0 && genes[std::size_t(gene)] < space.choices(gene),
            "a gene is one of its choices");
  require(space.parse(space.text(genes)) == genes, "an architecture is read as it was written");
}

}  // namespace

void architecture(Bytes bytes) {
  if (bytes.empty()) return;
  static const SmallTable small;
  const std::vector<const Space*>& all = all_spaces();
  const std::size_t which = bytes[0] % (all.size() + 1);
  const Space& space = which < all.size() ? *all[which] : small;
  check_round_trip(space, space.parse(std::string(text_of(bytes.subspan(1)))));
}

void truth_csv(Bytes bytes) {
  static const SmallTable small;
  const GroundTruth truth = read_ground_truth(scratch_file("truth.csv", bytes), small);
  require(!truth.columns.empty(), "a table of truth has a column");
  for (const TruthColumn& column : truth.columns) {
    require(column.accuracy.size() == 8, "a column has a value for every architecture");
    for (const double value : column.accuracy) require(std::isfinite(value), "accuracies are finite");
  }
}

void scores_csv(Bytes bytes) {
  static const SmallTable small;
  ScoreBook book;
  book.set_stamp("naswot", "x");
  const auto same = [](const std::string&, const Genes& genes) {
    check_round_trip(small, genes);
    return genes;
  };
  book.read("--scores", scratch_file("scores.csv", bytes), small, same);
  const std::string text = book.csv(small);
  ScoreBook again;
  again.read("--scores",
             scratch_file("again.csv", {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}),
             small, same);
  require(again.csv(small) == text, "scores are read as they were written");
}

void space_file(Bytes bytes) {
  const std::string text(text_of(bytes));
  const auto space = space_file::make_space(text, "space");
  require(space->gene_count() >= 0, "a space has genes");
  RandomStream random(0, "fuzz");
  const auto paths = space->make_sampler({})(0);
  check_round_trip(*space, paths.front());
  space->drawing(paths.front());
  space->network({.kind = NetworkKind::stand_alone}, {&paths.front(), 1});
}

}  // namespace rlnas::fuzz
