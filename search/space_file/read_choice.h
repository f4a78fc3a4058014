// How a file names an operation: "conv_3x3", a name of its own "operations", or an object with parameters.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "search/space_file/description.h"

namespace rlnas::space_file {

class ReadChoice {
 public:
  enum class Place {
    layer,  // a fixed one, which also says channels and stride
    block,
    edge,  // alone can have no connection
  };

  // Names that a file gives to operations with their parameters.
  void define(const Field& operations);
  // Errors: usage, naming what may have been meant.
  Choice read(const Field& field, Place place);
  // The candidates of a block or an edge: at least one, each once.
  std::vector<Choice> read_list(const Field& list, Place place);

 private:
  Choice of_name(const Field& field, const std::string& name) const;
  Choice of_object(const Field& field, const std::vector<std::string>& other_keys) const;
  std::vector<std::string> known_names() const;

  std::map<std::string, Choice> defined_;
  std::map<std::string, Choice> named_;  // all that was read: a name means one thing
};

}  // namespace rlnas::space_file
