// The settings of a search that are numbers.
#pragma once

#include <cstdint>
#include <string>

#include "rlnas/choices.hpp"

namespace rlnas {

enum class SearchMethod {
  evolution,
  exhaustive,  // all there are, of a small space
  random,      // population * generations of them
  exact,       // the provably largest angle
};

struct EvolutionOptions {
  int population = 100;
  int top = 30;         // parents are drawn from the best `top` seen so far
  int mutants = 50;     // per generation, at most
  int crossovers = 50;  // per generation, at most; random candidates fill up to `population`
  int generations = 20;
  double mutation_probability = 0.1;  // per gene
  std::uint64_t seed = 0;
  Compat compat = Compat::none;
  // Compat::megvii only: the published run on NAS-Bench-201 draws its labels from the same stream before it
  // searches; the others do not (0).
  int label_draws = 50000;
  int label_classes = 10;
};

// What networks with fresh weights are looked at with.
struct ProbeConfig {
  int batch = 64;          // images
  int draws = 1;           // of weights and inputs that values are averaged over
  std::uint64_t seed = 0;  // of them all
  std::string data = {};   // images with true labels, as of --data, for those that take them; empty: noise

  friend bool operator==(const ProbeConfig&, const ProbeConfig&) = default;
};

struct SearchDevice {
  std::string name = "cpu";
  int threads = 0;  // 0: all
  bool profile = false;
};

}  // namespace rlnas
