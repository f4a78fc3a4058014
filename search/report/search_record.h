// What a search found, as columns to plot: of the search just made, or of one that left search.json and
// architectures.csv in a directory (--report).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "search/search_run.h"

namespace rlnas {

constexpr const char* kSearchJson = "search.json";
constexpr const char* kArchitecturesCsv = "architectures.csv";

struct SearchRecord {
  // One number of every architecture, in the units it is plotted in.
  struct Column {
    std::string name;            // of the indicator, or "score" of a sum
    std::string label;           // with its unit
    std::vector<double> values;  // of each architecture
  };

  std::string label;  // of the run
  std::string space, method, score;
  std::uint64_t seed = 0;
  std::vector<std::string> texts;  // of the architectures, in order of evaluation
  std::vector<int> generation;     // from 1; 0: the method has none
  std::vector<int> rank;           // 1 is the best
  std::vector<Column> columns;
  std::vector<Column> accuracies;  // by the truth table; empty: none
  std::size_t score_column = 0;    // what was searched for

  int size() const { return int(texts.size()); }
  const std::vector<double>& scores() const { return columns.at(score_column).values; }
  const std::string& score_label() const { return columns.at(score_column).label; }
  const Column* find(std::string_view name) const;  // among `columns`; null: not there
  int best() const;                                 // place of rank 1; -1: there is none
  int generations() const;                          // 0: none
  // Places of the best `count`, best first.
  std::vector<int> top(int count) const;
  // Places of the `limit` accuracies to show, where there are more: test accuracies, if there are such.
  std::vector<std::size_t> main_accuracies(std::size_t limit) const;
};

// Whether scores of one mean the same as those of the other: not ranks among what a search evaluated.
bool comparable(const SearchRecord& a, const SearchRecord& b);

// Errors: none. The label is empty.
SearchRecord record_of(const SearchReport& report);

// Nothing where the directory has none. Errors: data, naming the file and the line, for one that cannot be
// read.
std::optional<SearchRecord> read_search_record(const std::string& directory);

}  // namespace rlnas
