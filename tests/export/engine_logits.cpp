// What export_test.py compares exported files with: a run directory with random weights and statistics, and
// the logits that the engine itself gives for random images along one architecture.
//
//   engine_logits DIR SPACE ARCH stand_alone|supernet IMAGE_SIZE CHANNELS CELLS AUXILIARY
//
// Writes run.json and latest.safetensors, as training does, images.f32 [N,C,H,W] and logits.f32 [N,classes].
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "engine/device.h"
#include "engine/philox.h"
#include "kernels/check.h"
#include "ops/graph_program.h"
#include "search/checkpoint.h"
#include "search/executor.h"
#include "search/run_directory.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

constexpr int kBatch = 3, kClasses = 7;
constexpr std::size_t kArenaBytes = std::size_t{512} << 20;

// Fresh values, those of norms and statistics moved too: a file that forgets one gives other logits.
std::vector<float> moved(const SegmentTable& table, std::vector<float> values) {
  for (const Segment& segment : table) {
    if (segment.shape.size() != 1) continue;
    RandomStream random(1, "moved " + segment.name);
    for (std::int64_t i = 0; i < segment.count; ++i)
      values[std::size_t(segment.offset + i)] += 0.5f * (random.uniform() - 0.5f);
  }
  return values;
}

void write_floats(const std::string& path, const std::vector<float>& values) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(values.data()), std::streamsize(values.size() * sizeof(float)));
  RLNAS_CHECK(file.good(), data, path, ": cannot be written");
}

void write_files(char** arguments) {
  const std::string directory = arguments[1];
  const Space& space = find_space(arguments[2]);
  const Genes genes = space.parse(arguments[3]);
  const bool alone = std::string(arguments[4]) == "stand_alone";
  const NetworkOptions options{.kind = alone ? NetworkKind::stand_alone : NetworkKind::supernet,
                               .classes = kClasses,
                               .image_size = std::atoi(arguments[5]),
                               .channels = std::atoi(arguments[6]),
                               .cells = std::atoi(arguments[7]),
                               .auxiliary_weight = std::atof(arguments[8])};
  TrainConfig config = alone ? space.retrain_recipe() : space.supernet_recipe();
  config.network.space = space.name();
  if (alone) config.network.arch = space.text(genes);
  config.network.channels = options.channels;
  config.network.cells = options.cells;
  config.data.image_size = options.image_size;

  const Graph graph = space.network(options, {&genes, 1});
  const NetworkLayout layout(alone ? graph : space.network(options, {}), config.recipe.initializer);
  const SegmentTable &parameters = layout.tensors().parameters(), &statistics = layout.tensors().statistics();
  const std::vector<float> weights = moved(parameters, layout.tensors().initial_parameters(3)),
                           running = moved(statistics, layout.tensors().initial_statistics());
  TensorFile file;
  append_tensors(file, parameters, weights, "");
  append_tensors(file, statistics, running, "");
  file.metadata["space"] = space.name();
  const RunDirectory run(directory);
  write_safetensors(run.latest_file(), file);
  RunFacts facts;
  facts.classes = kClasses;
  run.write_run_json(config, facts);

  const FeatureShape shape = graph[0].shape;
  std::vector<float> images, planes(std::size_t(kBatch) * shape.channels * shape.height * shape.width);
  RandomStream random(2, "images");
  for (float& value : planes) value = float(random.normal());
  for (int n = 0; n < kBatch; ++n)
    for (int pixel = 0; pixel < shape.height * shape.width; ++pixel)
      for (int c = 0; c < shape.channels; ++c)
        images.push_back(planes[std::size_t((n * shape.channels + c) * shape.height * shape.width + pixel)]);

  const DeviceChoice device = choose_device("cpu", {.cpu = {.threads = 2}, .cuda = {}});
  Executor executor(*device.backend, layout.tensors(), kArenaBytes);
  executor.parameters().weights().upload(weights);
  executor.statistics().upload(running);
  const Program program(graph, layout, {.trains = false});
  const Tensor input =
      executor.tensor(images, Shape::image(kBatch, shape.height, shape.width, shape.channels));
  write_floats(directory + "/images.f32", planes);
  write_floats(directory + "/logits.f32",
               executor.host(executor.forward(program, input, {.statistics = Statistics::running}).logits));
}

}  // namespace
}  // namespace rlnas

int main(int count, char** arguments) {
  if (count != 9) return 2;
  try {
    rlnas::write_files(arguments);
  } catch (const rlnas::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
