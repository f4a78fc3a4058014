#include "search/blocks.h"

#include "kernels/check.h"

namespace rlnas {

int relu_conv_norm(Graph& graph, int x, const std::string& name, Conv2d geometry, Affine affine) {
  return graph.batch_norm(graph.conv(graph.relu(x), name + ".op.1", geometry), name + ".op.2", affine);
}

int conv_norm(Graph& graph, int x, const std::string& sequence, int first, Conv2d geometry, Affine affine) {
  const auto name = [&](int layer) { return sequence + "." + std::to_string(layer); };
  return graph.batch_norm(graph.conv(x, name(first), geometry), name(first + 1), affine);
}

int separable(Graph& graph, int x, const std::string& name, int first, const Separable& block,
              Affine affine) {
  const auto part = [&](int i) { return name + ".op." + std::to_string(first + i); };
  const int channels = graph[x].shape.channels;
  x = graph.conv(x, part(0),
                 {.out_channels = channels,
                  .kernel = block.kernel,
                  .stride = block.stride,
                  .padding = block.dilation * (block.kernel - 1) / 2,
                  .dilation = block.dilation,
                  .groups = channels});
  return graph.batch_norm(graph.conv(x, part(1), {.out_channels = block.out_channels}), part(2), affine);
}

int factorized_reduce(Graph& graph, int x, const std::string& name, int out_channels, Affine affine) {
  const FeatureShape& shape = graph[x].shape;
  RLNAS_CHECK(shape.height % 2 == 0 && shape.width % 2 == 0, usage, "factorised reduction of an image of ",
              shape.height, "x", shape.width,
              ": both must be even; choose an image size that stays even at every reduction");
  const int half = out_channels / 2;
  const int even = graph.conv(graph.subsample(x, 0), name + ".conv_1", {.out_channels = half});
  const int odd = graph.conv(graph.subsample(x, 1), name + ".conv_2", {.out_channels = out_channels - half});
  return graph.batch_norm(graph.concat({even, odd}), name + ".bn", affine);
}

int inverted_residual(Graph& graph, int x, const std::string& sequence, const InvertedResidual& block,
                      Affine affine) {
  constexpr int kLayersWithActivation = 3;  // convolution, norm, ReLU6
  const int in = graph[x].shape.channels, hidden = in * block.expansion;
  int layer = 0, y = x;
  const auto next = [&](Conv2d geometry) {
    const int normalised = conv_norm(graph, y, sequence, layer, geometry, affine);
    layer += kLayersWithActivation;
    return normalised;
  };
  if (block.expansion > 1) y = graph.activation(next({.out_channels = hidden}), Activation::relu6);
  y = graph.activation(next({.out_channels = hidden,
                             .kernel = block.kernel,
                             .stride = block.stride,
                             .padding = block.kernel / 2,
                             .groups = hidden}),
                       Activation::relu6);
  y = next({.out_channels = block.out_channels});
  return block.stride == 1 && in == block.out_channels ? graph.sum({y, x}) : y;
}

int reduction_block(Graph& graph, int x, const std::string& name, int out_channels) {
  constexpr Pool kShortcutPool{.kernel = 2, .stride = 2, .padding = 0};
  const int a = relu_conv_norm(graph, x, name + ".conv_a",
                               {.out_channels = out_channels, .kernel = 3, .stride = 2, .padding = 1});
  const int b =
      relu_conv_norm(graph, a, name + ".conv_b", {.out_channels = out_channels, .kernel = 3, .padding = 1});
  const int shortcut =
      graph.conv(graph.avg_pool(x, kShortcutPool), name + ".downsample.1", {.out_channels = out_channels});
  return graph.sum({b, shortcut});
}

}  // namespace rlnas
