// A search space as search, report and applications see it: gene strings with their names, scores and costs.
// One implementation per space; evolution and the other methods need only EvolutionSpace of it.
#pragma once

#include <cstdint>
#include <string>

#include "search/angle.h"
#include "search/evolution.h"

namespace rlnas {

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

  virtual double angle_rad(const Genes& genes) const = 0;
  virtual double op_angle_sum(const Genes& genes) const = 0;
  virtual std::int64_t params(const Genes& genes) const = 0;
  virtual std::int64_t angle_vector_length(const Genes& genes) const = 0;
};

}  // namespace rlnas
