// A network of one's own, trained on data in memory: which of four corners of an image is bright.
#include <rlnas/network.hpp>

#include <cstdio>
#include <random>

namespace nn = rlnas::network;

namespace {

constexpr int kSide = 8, kClasses = 4;

struct Set {
  std::vector<float> images;
  std::vector<std::int32_t> labels;
  explicit Set(int count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> noise;
    for (int n = 0; n < count; ++n) {
      const int label = int(random() % kClasses);
      labels.push_back(label);
      for (int h = 0; h < kSide; ++h)
        for (int w = 0; w < kSide; ++w)
          images.push_back(noise(random) +
                           (2 * h / kSide == label / 2 && 2 * w / kSide == label % 2 ? 1.0f : 0.0f));
    }
  }
};

}  // namespace

int main() {
  nn::Graph graph({.channels = 1, .height = kSide, .width = kSide});
  nn::Node x =
      graph.conv(graph.input(), "stem", {.out_channels = 16, .kernel = 3, .stride = 2, .padding = 1});
  x = graph.relu(graph.batch_norm(x, "stem.norm"));
  nn::Node branch = graph.conv(x, "branch", {.out_channels = 16, .kernel = 3, .padding = 1});
  x = graph.relu(graph.sum({x, graph.batch_norm(branch, "branch.norm")}));
  x = graph.conv(x, "head", {.out_channels = 16, .kernel = 4});
  graph.output(graph.linear(graph.relu(x), "classifier", kClasses));

  nn::Network net(rlnas::kernels::Device(), graph, {.seed = 1});
  const Set training(512, 1), test(256, 2);
  int steps = 0;
  net.fit({training.images, training.labels}, {.epochs = 6, .batch = 32, .learning_rate = 0.05},
          {.progress = [&](const nn::Progress&) { ++steps; }});
  const double accuracy = net.evaluate({test.images, test.labels}).accuracy();
  rlnas::AngleSums all;
  for (const rlnas::AngleSums& sums : net.angle_sums()) all += sums;
  std::printf("%d steps, accuracy %.3f, angle %.3f rad\n", steps, accuracy, rlnas::kernels::angle_rad(all));
  return accuracy > 0.9 && steps == 96 ? 0 : 1;
}
