// A space as it is searched: with limits, and with what the weights of a SuperNet say of its choices. Every
// space is searched by this one class.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "search/architecture_angles.h"
#include "search/choice_tables.h"
#include "search/evolution.h"
#include "search/space.h"

namespace rlnas {

struct Constraint {
  std::int64_t max_macs = std::numeric_limits<std::int64_t>::max();  // as the space counts them
  std::int64_t max_params = std::numeric_limits<std::int64_t>::max();
};

// What a space is searched for.
struct SpaceSpec {
  std::string name = default_space().name();
  int classes = 10;
  int image_size = 32;
  Constraint constraint = {};
  Compat compat = Compat::none;  // megvii: angles composed as the published code does, flaws included
};

class SearchSpace final : public EvolutionSpace {
 public:
  // `supernet`: the network whose tensors `segments` are, with the three sums of each.
  // Errors: run_failed for sums that do not fit or are not finite; usage for limits that no architecture
  // keeps.
  SearchSpace(const Space& space, const SpaceSpec& spec, const NetworkOptions& supernet,
              const SegmentTable& segments, const std::vector<AngleSums>& sums);

  const Space& space() const { return space_; }
  const SpaceSpec& spec() const { return spec_; }
  const AngleTable& angle_table() const { return angles_.table(); }
  const CountTable& macs_table() const { return counts_.macs; }
  const CountTable& params_table() const { return counts_.params; }

  int gene_count() const override { return int(choices_.size()); }
  int choices(int gene) const override { return choices_.at(std::size_t(gene)); }
  GeneRange published_mutation_range(int gene) const override {
    return space_.published_mutation_range(gene);
  }
  PublishedSearch published_search() const override { return space_.published_search(); }
  void repair(Genes& genes, const std::function<std::uint32_t(std::uint32_t)>& below) const override {
    space_.repair(genes, below);
  }
  bool legal(const Genes& genes) const override;  // an architecture of the space, and within the limits
  std::int64_t macs(const Genes& genes) const override { return counts_.macs.of(checked(genes)); }

  std::string name() const { return space_.name(); }
  std::string text(const Genes& genes) const { return space_.text(genes); }
  Genes parse(const std::string& text) const { return space_.parse(text); }
  std::string drawing(const Genes& genes) const { return space_.drawing(genes); }

  // See ArchitectureAngles.
  AngleSums angle_sums(const Genes& genes) const { return angles_.sums(checked(genes)); }
  double angle_rad(const Genes& genes) const { return angles_.angle_rad(checked(genes)); }
  double op_angle_sum(const Genes& genes) const { return angles_.op_angle_sum(checked(genes)); }
  std::vector<CellPaths> cell_paths(const Genes& genes) const { return angles_.cell_paths(checked(genes)); }
  std::int64_t params(const Genes& genes) const { return counts_.params.of(checked(genes)); }
  // Entries of the published weight vector; 0 where no path leads through a cell, which has no angle.
  std::int64_t angle_vector_length(const Genes& genes) const;
  // Convolutions and classifiers of the stand-alone network.
  int layers(const Genes& genes) const { return int(counts_.layers.of(checked(genes))); }

  // The architecture with the largest angle within the limits. Errors: usage when there is no such method.
  Optimum exact() const { return space_.exact(*this); }

 private:
  // Errors: run_failed for a wrong number of genes or one out of range.
  const Genes& checked(const Genes& genes) const;

  const Space& space_;
  SpaceSpec spec_;
  ArchitectureAngles angles_;
  StandAloneCounts counts_;
  CountTable lengths_;
  std::vector<std::int8_t> choices_;  // of each gene
};

}  // namespace rlnas
