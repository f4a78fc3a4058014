// A search space as a text describes it (docs/own_spaces.md): a file of somebody's own, --space file:PATH, or
// one of spaces/*.json that is part of the program, to which a published space adds what no file says.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "search/cell_rule.h"
#include "search/space.h"
#include "search/space_file/network.h"
#include "search/space_file/recipe.h"

namespace rlnas::space_file {

class FileSpace : public Space {
 public:
  enum class Origin {
    file,  // its name is "NAME@12345678", with the CRC-32 of what the file says, comments and layout aside
    built_in,  // its name is what it says; its networks have been tried, and its memory is that of one
  };
  // where: what errors begin with. Errors: usage, naming line and field.
  FileSpace(const std::string& text, const std::string& where, Origin origin);

  const SpaceInfo& info() const override { return info_; }
  std::string file_text() const override { return origin_ == Origin::file ? text_ : ""; }

  const std::vector<CellSpec>& cells() const override { return network_.cells(); }
  int gene_count() const override { return int(candidates_.size()); }
  int choices(int gene) const override { return int(candidates_[std::size_t(gene)].choices.size()); }
  std::string text(const Genes& genes) const override;
  // Names, or their numbers from 0 on, with or without commas and bars.
  Genes parse(const std::string& text) const override;
  bool valid(const Genes& genes) const override;
  const char* rule() const override { return "every node of a cell takes as many edges as the space says"; }
  void repair(Genes& genes, const Below& below) const override;
  std::string drawing(const Genes& genes) const override;
  std::string choice_name(int gene, int choice) const override;
  Genes largest() const override { return large_ones().front(); }
  std::vector<Genes> large_ones() const override;
  std::vector<Genes> angle_sample(int count) const override;

  Graph network(const NetworkOptions& options, std::span<const Genes> paths) const override;
  int searchable_cells(const NetworkOptions& options) const override;
  std::vector<ChoiceSite> choice_sites(const NetworkOptions& options) const override;

  StepPaths make_sampler(const SamplerOptions& options) const override;
  TrainConfig supernet_recipe() const override { return recipes_.supernet; }
  TrainConfig retrain_recipe() const override { return recipes_.retrain; }
  int occurrences(const Segment& segment, Compat) const override;
  AngleConstant constant_of(int op, const ChoiceSite& site) const override;
  Optimum exact(const SearchSpace& space) const override;

 protected:
  // Errors: run_failed for a wrong number of genes or one out of range.
  void check(const Genes& genes) const;

  SpaceInfo info_ = {};  // a published space completes it

 private:
  // Of a gene.
  struct Candidates {
    std::vector<const Choice*> choices;
    std::string place;        // for people: "block 3", "edge 2<-0"
    bool opens = false;       // a stage, or the genes of a kind of cells
    bool draws_anew = false;  // the last edge of a node: not all may come out as none
    int first_edge = 0;       // of the same node

    int place_of(std::string_view word) const;
    std::string names() const;
  };

  void describe();
  void read_candidates();
  void check_networks(const Field& file) const;
  Genes draw(RandomStream& random) const;
  void draw_freely(std::size_t end, RandomStream& random, Genes& genes) const;
  std::string text_;
  Origin origin_;
  Field file_;
  Description description_;
  std::string name_;
  Network network_;
  Recipes recipes_;
  std::vector<Candidates> candidates_;
  bool has_rule_ = false;  // on live edges, of some cell
};

// Errors: usage, naming line and field.
std::unique_ptr<Space> make_space(const std::string& text, const std::string& where);

}  // namespace rlnas::space_file
