// Writes what supernet_probe_golden.py computes on: write_probe_golden DIRECTORY leaves inputs.safetensors
// there.
#include <cstdio>

#include "tests/training/probe_golden.h"

namespace rlnas {
namespace {

void add_weights(TensorFile& file, const std::string& prefix, const SuperNetData& data,
                 const std::vector<float>& weights) {
  for (const Segment& segment : data.layout().tensors().parameters()) {
    const auto first = weights.begin() + segment.offset;
    file.tensors.push_back({prefix + segment.name, segment.shape, {first, first + segment.count}});
  }
}

// Pixels as they are in memory [n, height, width, 3]; of each image shift_y, shift_x and flip; labels.
void add_batches(TensorFile& file, const std::string& prefix, const std::vector<HostBatch>& batches,
                 const AugmentSpec& augment) {
  for (std::size_t b = 0; b < batches.size(); ++b) {
    const HostBatch& batch = batches[b];
    const std::string name = prefix + std::to_string(b);
    const std::int64_t n = batch.count;
    NamedTensor params{name + ".params", {n, 3}, {}};
    for (const AugmentParams& p : batch.params)
      for (const std::int16_t value : {p.shift_y, p.shift_x, p.flip}) params.data.push_back(float(value));
    file.tensors.push_back({name + ".pixels",
                            {n, augment.height, augment.width, AugmentSpec::kChannels},
                            {batch.images.begin(), batch.images.end()}});
    file.tensors.push_back(std::move(params));
    file.tensors.push_back({name + ".labels", {n}, {batch.labels.begin(), batch.labels.end()}});
  }
}

void write_inputs(const std::string& directory) {
  const SuperNetData data =
      test::probe_golden_data(test::write_probe_golden_weights(directory + "/weights.safetensors"));
  const AugmentSpec& augment = data.training_augment();
  TensorFile file;
  add_weights(file, "level0.", data, data.weights());
  const std::vector<double> added{0.001, 0.002, 0.003};  // deviations of flatness.cpp, each beyond the last
  for (std::size_t k = 0; k < added.size(); ++k)
    add_weights(file, "level" + std::to_string(k + 1) + ".", data, data.noised_weights(added)[k]);
  add_batches(file, "recalibration.", data.recalibration(), augment);
  add_batches(file, "test.", data.tests(), augment);
  file.tensors.push_back({"mean", {3}, {augment.mean.begin(), augment.mean.end()}});
  file.tensors.push_back({"inv_std", {3}, {augment.inv_std.begin(), augment.inv_std.end()}});
  write_safetensors(directory + "/inputs.safetensors", file);
}

}  // namespace
}  // namespace rlnas

int main(int count, char** arguments) {
  if (count != 2) {
    std::fputs("usage: write_probe_golden DIRECTORY\n", stderr);
    return 2;
  }
  rlnas::write_inputs(arguments[1]);
}
