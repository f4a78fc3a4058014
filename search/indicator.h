// What architectures are ranked by. An indicator says what it needs and gives every architecture a number, of
// which more is better. To add one: a file in search/indicators/ and its line in indicators.cpp.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "search/genes.h"

namespace rlnas {

class SearchSpace;

struct IndicatorInfo {
  const char* name;     // the value of --score
  const char* key;      // in JSON and CSV
  const char* help;     // one line for --help
  const char* heading;  // of a table's column
  const char* format;   // of its numbers there, in `unit`s; as wide as the heading
  double unit = 1.0;
  bool is_count = false;  // whole numbers: of the network alone, a baseline to beat
  bool adds_up =
      false;  // over choices and paths, before one function of the sums: what an exact search can maximise
};

class Indicator {
 public:
  virtual ~Indicator() = default;
  virtual const IndicatorInfo& info() const = 0;
  virtual double score(const SearchSpace& space, const Genes& genes) const = 0;
};

// All there are, in the order of --help.
const std::vector<IndicatorInfo>& indicator_list();
// Errors: usage, naming --score and those there are.
std::unique_ptr<Indicator> make_indicator(std::string_view name);
const IndicatorInfo& indicator_info(std::string_view name);

}  // namespace rlnas
