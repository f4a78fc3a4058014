#include "bench/step_runner.h"

#include <chrono>
#include <vector>

#include "engine/philox.h"
#include "kernels/dry/dry_backend.h"
#include "search/nasbench201/space.h"

namespace rlnas::bench {
namespace {

constexpr int kImageSize = 32;
constexpr int kClasses = 10;

TrainedNetwork published_supernet() {
  return {nasbench201::space(),
          {.classes = kClasses, .image_size = kImageSize},
          Initializer::pytorch,
          Compat::none,
          nullptr};
}

Executor::Forward forward_of(const TrainedNetwork& supernet, const nasbench201::Cell& path) {
  return [&supernet, genes = nasbench201::genes_of_cell(path)](Context& context, const Tensor& images) {
    return supernet.forward_along(context, images, {&genes, 1}).logits;
  };
}

// Random pixels, flips, shifts and labels; the figures do not depend on them.
HostBatch make_batch(int count) {
  RandomStream random(0, "bench-batch");
  HostBatch batch;
  batch.count = count;
  batch.images.resize(std::size_t(count) * kImageSize * kImageSize * AugmentSpec::kChannels);
  for (std::uint8_t& pixel : batch.images) pixel = std::uint8_t(random.below(256));
  for (int i = 0; i < count; ++i) {
    batch.params.push_back({std::int16_t(int(random.below(9)) - 4), std::int16_t(int(random.below(9)) - 4),
                            std::int16_t(random.below(2))});
    batch.labels.push_back(std::int32_t(random.below(kClasses)));
  }
  return batch;
}

StepSpec make_spec() {
  StepSpec spec;
  spec.augment.height = spec.augment.width = kImageSize;
  spec.augment.mean.fill(127.5f);
  spec.augment.inv_std.fill(1.0f / 64.0f);
  spec.sgd = {.learning_rate = 0.025f, .momentum = 0.9f, .weight_decay = 5e-4f, .nesterov = true};
  return spec;
}

// Runs a step of `path` on the dry backend. Returns the bytes of its arena.
std::size_t run_dry(Backend& dry, const TrainedNetwork& supernet, const nasbench201::Cell& path,
                    int batch_size, const StepSpec& spec) {
  Executor state(dry, supernet.layout(), kDryArenaBytes);
  HostBatch batch;
  batch.count = batch_size;
  state.step(forward_of(supernet, path), batch, spec);
  return state.arena().peak_bytes();
}

// What rlnas_train reserves: the arena of one step of the largest path.
std::size_t planned_bytes(const TrainedNetwork& supernet, Backend& like, int batch_size,
                          const StepSpec& spec) {
  return run_dry(*make_dry_backend(nullptr, &like), supernet, largest_path(), batch_size, spec);
}

double mib(std::size_t bytes) {
  return double(bytes) / double(1 << 20);
}

}  // namespace

nasbench201::Cell largest_path() {
  nasbench201::Cell cell;
  cell.ops.fill(nasbench201::Op::nor_conv_3x3);
  return cell;
}

std::vector<RecordedCall> dry_step(const nasbench201::Cell& path, int batch_size) {
  std::vector<RecordedCall> calls;
  run_dry(*make_dry_backend(&calls, nullptr), published_supernet(), path, batch_size, make_spec());
  return calls;
}

StepRunner::StepRunner(Backend& backend, int batch_size)
    : backend_(backend),
      supernet_(published_supernet()),
      batch_(make_batch(batch_size)),
      spec_(make_spec()),
      planned_bytes_(planned_bytes(supernet_, backend, batch_size, spec_)),
      state_(backend, supernet_.layout(), planned_bytes_) {
  state_.parameters().weights().upload(supernet_.layout().initial_parameters(0));
  state_.statistics().upload(supernet_.layout().initial_statistics());
}

double StepRunner::run(const nasbench201::Cell& path) {
  const auto start = std::chrono::steady_clock::now();
  state_.step(forward_of(supernet_, path), batch_, spec_);
  backend_.synchronize();  // the loss may be there before the optimiser is done
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

StepMemory StepRunner::memory() const {
  return {mib(planned_bytes_), mib(state_.arena().peak_bytes()), mib(state_.fixed_bytes())};
}

}  // namespace rlnas::bench
