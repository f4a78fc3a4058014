// Where evolution's proposals come from: random candidates, mutants and crossovers that are legal and were
// never offered before.
#pragma once

#include <memory>
#include <vector>

#include "search/evolution.h"

namespace rlnas {

class Proposer {
 public:
  virtual ~Proposer() = default;
  virtual void begin_generation(int generation) = 0;
  // Appends up to `wanted` new candidates to `out`; fewer when the attempt bound is reached.
  virtual void random(int wanted, std::vector<Genes>& out) = 0;
  virtual void mutate(const std::vector<Candidate>& parents, int wanted, std::vector<Genes>& out) = 0;
  virtual void cross(const std::vector<Candidate>& parents, int wanted, std::vector<Genes>& out) = 0;
  virtual RandomAcceptance acceptance() const = 0;  // of all calls of random()
};

// Draws one proposal at a time, each operator and generation from its own Philox stream.
std::unique_ptr<Proposer> make_corrected_proposer(const EvolutionSpace& space,
                                                  const EvolutionOptions& options);

// The published proposals from one NumPy stream, in batches of ten (method.md B.6).
std::unique_ptr<Proposer> make_published_proposer(const EvolutionSpace& space,
                                                  const EvolutionOptions& options);

}  // namespace rlnas
