// What architectures are ranked by. An indicator says what it needs and gives every architecture a number, of
// which more is better; those that come out of the same passes are a group. To add one: a file in
// search/indicators/ and its line in indicators.cpp.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rlnas/search.hpp"
#include "search/genes.h"

namespace rlnas {

class SearchSpace;
class Space;
class Probe;
class SuperNetProbe;
class NetworkProfiler;

// What an indicator is computed from, beside the architecture.
struct Needs {
  bool supernet = false;    // how far its weights turned
  bool weights = false;     // its trained weights themselves
  bool network = false;     // passes of the stand-alone network with fresh weights: the same for all
                            // architectures that are the same network
  bool images = false;      // passes of the SuperNet over images of --data
  bool labels = false;      // theirs
  bool probe_data = false;  // of the network: images of --probe-data, or noise under random labels

  bool measured() const { return network || weights; }  // passes, not a few additions
};

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
  Needs needs = {};
};

// What indicators work with.
struct Measuring {
  const SearchSpace& space;
  Probe* probe = nullptr;               // where needs.network
  SuperNetProbe* supernet = nullptr;    // where needs.weights
  int threads = 1;                      // for what is computed on the host
  NetworkProfiler* profiler = nullptr;  // with --profile
};

class IndicatorGroup {
 public:
  virtual ~IndicatorGroup() = default;
  virtual std::span<const IndicatorInfo> infos() const = 0;
  // Errors: usage, naming --score, for a space where one of these means nothing.
  virtual void check_space(const Space&) const {}
  // A value for each of infos(); minus infinity for what has none, such as a network without a live path.
  virtual void measure(const Measuring& with, const Genes& genes, std::span<double> values) const = 0;
};

// Makes indicators of somebody who embeds the engine known by their names beside those there are, to
// this thread for as long as this lives. Errors: usage
// for a name that is taken, empty, or not made of letters, digits, - and _.
class OwnIndicators {
 public:
  explicit OwnIndicators(std::vector<search::OwnIndicator> indicators);
  ~OwnIndicators();
  OwnIndicators(const OwnIndicators&) = delete;
  OwnIndicators& operator=(const OwnIndicators&) = delete;

  static const OwnIndicators* known();  // null: none
  const std::vector<std::unique_ptr<IndicatorGroup>>& groups() const { return groups_; }

 private:
  std::vector<std::unique_ptr<IndicatorGroup>> groups_;
  const OwnIndicators* outer_;
};

// All there are but somebody's own, in the order of --help.
const std::vector<IndicatorInfo>& indicator_list();
// Whether there is one of this name.
bool is_indicator(std::string_view name);
// Errors: usage, naming --score and those there are.
const IndicatorInfo& indicator_info(std::string_view name);
inline bool is_measured(std::string_view name) {
  return indicator_info(name).needs.measured();
}

// Where an indicator is computed.
struct IndicatorPlace {
  const IndicatorGroup* group;
  int member;  // of the group's infos()
};
IndicatorPlace find_indicator(std::string_view name);

}  // namespace rlnas
