// Passes along architectures' paths through a trained SuperNet on a device, with the weights that they
// inherit. One architecture is looked at at a time; its batch norms' statistics are taken once.
#pragma once

#include <memory>
#include <optional>

#include "kernels/backend.h"
#include "search/evaluation.h"
#include "search/executor.h"
#include "search/supernet_data.h"

namespace rlnas {

class SuperNetProbe {
 public:
  // Takes memory with its first pass. Both must outlive it.
  SuperNetProbe(Backend& backend, const SuperNetData& data) : backend_(backend), data_(data) {}

  // What a probe will take on such a device.
  static std::size_t planned_bytes(Backend& backend, const SuperNetData& data);

  const SuperNetData& data() const { return data_; }

  // The test images along the path of an architecture, with the statistics that this path has by the trained
  // weights. `weights`, in the layout's order: in the place of the trained ones, from then on; they must
  // outlive this.
  // Errors: device when there is not enough memory. Determinism: bit-equal for any number of threads, and
  // whatever was looked at before.
  TestCounts test(const Genes& genes) { return test(genes, data_.weights()); }
  TestCounts test(const Genes& genes, const std::vector<float>& weights);

 private:
  void prepare(const Genes& genes);
  void use(const std::vector<float>& weights);

  Backend& backend_;
  const SuperNetData& data_;
  std::optional<Executor> executor_;
  Genes genes_;  // of program_
  std::optional<Program> program_;
  const std::vector<float>* used_ = nullptr;  // weights that are on the device
};

}  // namespace rlnas
