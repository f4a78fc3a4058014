#include "search/supernet_probe.h"

#include <algorithm>

#include "kernels/dry/dry_backend.h"

namespace rlnas {
namespace {

struct Planned {
  std::size_t arena, fixed;
};

// Of both kinds of passes along a path with the largest activations; an arena grows where another needs more.
Planned plan(Backend& backend, const SuperNetData& data) {
  std::vector<RecordedCall> calls;
  const std::unique_ptr<Backend> dry = make_dry_backend(&calls, &backend);
  Executor executor(*dry, data.layout().tensors(), kDryArenaBytes);
  const Program program(data.path(data.space().largest()), data.layout(), {.trains = false});
  HostBatch batch;
  batch.count = batch.global_count = data.batch_size();
  executor.recalibrate(program, {&batch, 1}, data.training_augment());
  executor.logits(
      [&](Context& context, const Tensor& images) { return program.run(context, images, {}).logits; }, batch,
      data.test_augment());
  return {executor.arena().peak_bytes(), executor.fixed_bytes()};
}

}  // namespace

std::size_t SuperNetProbe::planned_bytes(Backend& backend, const SuperNetData& data) {
  if (data.tests().empty()) return 0;
  const Planned planned = plan(backend, data);
  return planned.arena + planned.fixed;
}

void SuperNetProbe::use(const std::vector<float>& weights) {
  if (used_ == &weights) return;
  executor_->parameters().weights().upload(weights);
  used_ = &weights;
}

void SuperNetProbe::prepare(const Genes& genes) {
  if (!executor_) {
    executor_.emplace(backend_, data_.layout().tensors(), plan(backend_, data_).arena);
    if (!data_.statistics().empty()) executor_->statistics().upload(data_.statistics());
  }
  if (program_ && genes == genes_) return;
  program_.emplace(data_.path(genes), data_.layout(), ProgramOptions{.trains = false});
  genes_ = genes;
  if (data_.recalibration().empty()) return;
  use(data_.weights());
  executor_->recalibrate(*program_, data_.recalibration(), data_.training_augment());
}

TestCounts SuperNetProbe::test(const Genes& genes, const std::vector<float>& weights) {
  prepare(genes);
  use(weights);
  const auto along = [this](Context& context, const Tensor& images) {
    return program_->run(context, images, {}).logits;
  };
  TestCounts counts;
  for (const HostBatch& batch : data_.tests())
    counts += count_top(executor_->logits(along, batch, data_.test_augment()), batch.labels,
                        data_.network().classes);
  return counts;
}

}  // namespace rlnas
