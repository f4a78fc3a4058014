// The networks of tests/golden/indicator_golden.json as this engine has them: the hash of indicator_golden.py
// in the place of random numbers, and indicators measured as a search does.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/device.h"
#include "search/indicator_measure.h"
#include "search/indicators/gradients.h"
#include "search/network_classes.h"
#include "search/probe.h"
#include "search/search_space.h"

namespace rlnas::golden {

using Json = nlohmann::json;

double hashed_uniform(std::uint64_t i, const std::string& name, std::uint64_t further = 0);
double hashed_normal(std::uint64_t i, const std::string& name);

// Networks of one size.
class Group {
 public:
  explicit Group(const Json& about);

  // The architecture as a search measures it: without what does nothing. The search takes the first of all
  // that are the same network, whose weights have other names than here.
  Genes without_idle_edges(Genes genes) const;
  // In the order of the names.
  std::vector<double> measure(const std::vector<std::string>& indicators, const Genes& genes);
  double zico(const Genes& genes, int batches) { return zico_of(*probe_, genes, batches); }
  std::vector<float> logits(const Genes& genes);  // of the first image, by the batch's statistics
  int layers(const Genes& genes) const;

  Group& with_size(int size);  // of the images; made once

  const Space& space() const { return space_; }
  // Deep enough for the rounding of floats to grow: see the precision that indicator_golden.py prints.
  bool is_deep() const;
  std::string title() const;

 private:
  Json about_;
  const Space& space_;
  NetworkOptions network_;
  DeviceChoice device_;
  std::unique_ptr<SearchSpace> search_space_;
  std::unique_ptr<NetworkClasses> classes_;
  std::unique_ptr<Probe> probe_;
  std::unique_ptr<Group> other_size_;
};

// Every group with every one of its architectures.
using Visit = std::function<void(Group& group, const Json& architecture)>;
void visit(const std::function<bool(const Json& about)>& wanted, const Visit& visit);

Genes genes_of(const Json& architecture);
// A number; infinities and NaN are text in the file.
double number(const Json& value);

}  // namespace rlnas::golden
