// Names of candidates' weights from a file's pattern ("blocks.{block}.{op}"), taken apart once: a graph of
// all candidates has thousands.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace rlnas::space_file {

struct ChoicePlace {
  int block = 0;
  int position = 0;  // of the cell
  int target = 0, source = 0, edge = 0;
  int op = 0;
};

class ChoiceNames {
 public:
  explicit ChoiceNames(const std::string& pattern);
  std::string of(const ChoicePlace& place) const;

 private:
  std::vector<std::pair<std::string, int ChoicePlace::*>> parts_;  // a text and the number behind it
  std::string end_;
};

}  // namespace rlnas::space_file
