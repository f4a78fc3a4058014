// What the tests of the DARTS spaces share: a SuperNet's tensors made from the published names (method.md
// appendix D, independent of the engine's SuperNet), known architectures and random ones.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/philox.h"
#include "engine/segment_table.h"
#include "search/darts/genotype.h"
#include "search/darts/space.h"
#include "search/search_space.h"

namespace rlnas::darts {

enum class Preset { cifar, imagenet };
enum class PathSource { philox, numpy };

// The path of every step, as the space's own sampler draws it.
class PathSampler {
 public:
  PathSampler(std::uint64_t seed, PathSource source)
      : paths_(cifar_space().make_sampler(
            {.seed = seed, .compat = source == PathSource::numpy ? Compat::megvii : Compat::none})) {}
  Architecture path(std::int64_t step) const { return architecture_of_genes(paths_(step).front()); }

 private:
  StepPaths paths_;
};

inline bool is_legal(const Architecture& architecture) {
  return cifar_space().valid(genes_of_architecture(architecture));
}
inline bool is_legal(const Cell& cell) {
  return is_legal({cell, cell});
}

}  // namespace rlnas::darts

namespace rlnas::test {

// A SuperNet: `size` says all of its sizes, also those that the engine would fill in as published.
struct DartsNetwork {
  darts::Preset preset = darts::Preset::cifar;
  NetworkOptions size = {};

  const Space& space() const {
    return preset == darts::Preset::cifar ? darts::cifar_space() : darts::imagenet_space();
  }
};

inline DartsNetwork published_supernet(darts::Preset preset) {
  if (preset == darts::Preset::cifar)
    return {preset, {.classes = 10, .image_size = 32, .channels = 16, .cells = 8}};
  return {preset, {.classes = 1000, .image_size = 224, .channels = 48, .cells = 14}};
}

class PublishedNames {
 public:
  explicit PublishedNames(const DartsNetwork& network) {
    const std::int64_t c = network.size.channels;
    const int cells = network.size.cells;
    std::int64_t older = 3 * c, last = 3 * c;
    if (network.preset == darts::Preset::cifar) {
      conv("stem.0", 3 * c, 3, 3), norm("stem.1", 3 * c);
    } else {
      conv("stem0.0", c / 2, 3, 3), norm("stem0.1", c / 2);
      conv("stem0.3", c, c / 2, 3), norm("stem0.4", c);
      conv("stem1.1", c, c, 3), norm("stem1.2", c);
      older = last = c;
    }
    std::int64_t channels = c;
    bool halve = network.preset == darts::Preset::imagenet;
    for (cell_ = 0; cell_ < cells; ++cell_) {
      const bool reduction = cell_ == cells / 3 || cell_ == 2 * cells / 3;
      if (reduction) channels *= 2;
      const std::string name = "cells." + std::to_string(cell_) + ".";
      if (halve) {
        factorized_reduce(name + "preprocess0", older, channels);
      } else {
        conv(name + "preprocess0.op.1", channels, older, 1), norm(name + "preprocess0.op.2", channels);
      }
      conv(name + "preprocess1.op.1", channels, last, 1), norm(name + "preprocess1.op.2", channels);
      choices(name, channels, reduction);
      older = last, last = 4 * channels, halve = reduction;
    }
    cell_ = -1;
    segments.add("classifier.weight", {network.size.classes, last});
    segments.add("classifier.bias", {network.size.classes});
  }

  SegmentTable segments;

 private:
  void add(const std::string& name, std::vector<std::int64_t> shape) {
    segments.add(name, std::move(shape), cell_, edge_, op_);
  }
  void conv(const std::string& name, std::int64_t out, std::int64_t in_per_group, std::int64_t kernel) {
    add(name + ".weight", {out, in_per_group, kernel, kernel});
  }
  void norm(const std::string& name, std::int64_t channels) {
    add(name + ".weight", {channels}), add(name + ".bias", {channels});
  }
  void factorized_reduce(const std::string& name, std::int64_t in, std::int64_t out) {
    conv(name + ".conv_1", out / 2, in, 1), conv(name + ".conv_2", out / 2, in, 1), norm(name + ".bn", out);
  }
  void choices(const std::string& cell_name, std::int64_t c, bool reduction) {
    int target = 2, source = 0;
    for (edge_ = 0; edge_ < 14; ++edge_, ++source) {
      if (source == target) ++target, source = 0;
      for (op_ = 1; op_ < 8; ++op_) {
        const std::string name = cell_name + "_ops." + std::to_string(edge_) + "._ops." + std::to_string(op_);
        const int kernel = op_ == 5 || op_ == 7 ? 5 : 3;
        if (op_ <= 2) norm(name + ".1", c);
        if (op_ == 3 && reduction && source < 2) factorized_reduce(name, c, c);
        if (op_ < 4) continue;
        for (int part = 1; part <= (op_ <= 5 ? 5 : 1); part += 4) {
          conv(name + ".op." + std::to_string(part), c, 1, kernel);
          conv(name + ".op." + std::to_string(part + 1), c, c, 1);
          norm(name + ".op." + std::to_string(part + 2), c);
        }
      }
    }
    edge_ = op_ = -1;
  }

  int cell_ = -1, edge_ = -1, op_ = -1;
};

inline SegmentTable published_segments(const DartsNetwork& network) {
  return PublishedNames(network).segments;
}

// The space under the weights of that SuperNet: `sums` are those of published_segments(network). `spec`: but
// for the space's name and the sizes, which the network gives.
inline SearchSpace search_space(const DartsNetwork& network, const std::vector<AngleSums>& sums,
                                SpaceSpec spec = {}) {
  spec.name = network.space().name();
  spec.classes = network.size.classes;
  spec.image_size = network.size.image_size;
  return {network.space(), spec, network.size, published_segments(network), sums};
}

// Genotypes as they stand in genotypes.py, with the codes and multiplicities of method.md 15.1 and 15.3.
inline const char* const kRlnasCifar =
    "Genotype(normal=[('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('dil_conv_3x3', 0), ('sep_conv_5x5', 2), "
    "('sep_conv_3x3', 0), ('dil_conv_5x5', 3), ('dil_conv_5x5', 1), ('dil_conv_3x3', 2)], "
    "normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 0), ('dil_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_5x5', 2), ('dil_conv_3x3', 1), ('sep_conv_3x3', 3), ('max_pool_3x3', 1), "
    "('sep_conv_5x5', 2)], reduce_concat=range(2, 6))";
inline const char* const kRlnasImagenetUncapped =
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('sep_conv_3x3', 2), "
    "('sep_conv_3x3', 0), ('sep_conv_5x5', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1)], "
    "normal_concat=range(2, 6), reduce=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_5x5', 0), "
    "('sep_conv_3x3', 2), ('sep_conv_5x5', 0), ('sep_conv_5x5', 2), ('sep_conv_3x3', 2), "
    "('sep_conv_3x3', 4)], reduce_concat=range(2, 6))";
inline const char* const kRlnasImagenet =
    "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('skip_connect', 1), ('sep_conv_3x3', 2), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 2), ('skip_connect', 0), ('sep_conv_3x3', 4)], "
    "normal_concat=range(2, 6), reduce=[('sep_conv_3x3', 0), ('max_pool_3x3', 1), ('sep_conv_3x3', 0), "
    "('skip_connect', 1), ('sep_conv_3x3', 0), ('dil_conv_3x3', 1), ('skip_connect', 0), "
    "('sep_conv_3x3', 1)], reduce_concat=range(2, 6))";
inline const char* const kDartsV2 =
    "DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), "
    "('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), "
    "('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), "
    "('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=[2, 3, 4, 5])";
inline const char* const kPcDartsCifar =
    "PC_DARTS_cifar = Genotype(normal=[('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 0), "
    "('dil_conv_3x3', 1), ('sep_conv_5x5', 0), ('sep_conv_3x3', 1), ('avg_pool_3x3', 0), "
    "('dil_conv_3x3', 1)], normal_concat=range(2, 6), reduce=[('sep_conv_5x5', 1), ('max_pool_3x3', 0), "
    "('sep_conv_5x5', 1), ('sep_conv_5x5', 2), ('sep_conv_3x3', 0), ('sep_conv_3x3', 3), "
    "('sep_conv_3x3', 1), ('sep_conv_3x3', 2)], reduce_concat=range(2, 6))";

inline darts::Architecture random_architecture(std::uint64_t seed, int index) {
  return darts::PathSampler(seed, darts::PathSource::philox).path(index);
}

inline Genes genes_of(const std::string& text) {
  return darts::genes_of_architecture(darts::parse_architecture(text));
}

}  // namespace rlnas::test
