// Groups of nodes that the graphs of several tests have.
#pragma once

#include <string>

#include "ops/graph.h"

namespace rlnas::test {

// A 3x3 convolution from the images and its norm, written to memory.
inline int add_stem(Graph& graph, int size, int channels) {
  const int x = graph.input({3, size, size});
  const int conv = graph.conv(x, "stem", {.out_channels = channels, .kernel = 3, .padding = 1});
  return graph.sum({graph.batch_norm(conv, "stem_norm")});
}

// Depthwise filter, 1x1 convolution, norm.
inline int add_separable(Graph& graph, int x, const std::string& name, int kernel, int stride = 1,
                         int dilation = 1) {
  const int channels = graph[x].shape.channels;
  x = graph.conv(x, name + ".depthwise",
                 {.out_channels = channels,
                  .kernel = kernel,
                  .stride = stride,
                  .padding = dilation * (kernel / 2),
                  .dilation = dilation,
                  .groups = channels});
  return graph.batch_norm(graph.conv(x, name + ".pointwise", {.out_channels = channels}), name + ".norm");
}

// Two 1x1 convolutions of every second pixel, one of them a pixel further on, and their norm.
inline int add_reduction(Graph& graph, int x, const std::string& name, int channels) {
  const int even = graph.conv(graph.subsample(x, 0), name + ".1", {.out_channels = channels / 2});
  const int odd = graph.conv(graph.subsample(x, 1), name + ".2", {.out_channels = channels / 2});
  return graph.batch_norm(graph.concat({even, odd}), name + ".norm");
}

// Expansion, depthwise 3x3 filter, projection to the input's channels; the input is added.
inline int add_inverted_residual(Graph& graph, int x, const std::string& name) {
  const int channels = graph[x].shape.channels, hidden = 3 * channels;
  const auto norm_of = [&](int y, const std::string& part, Conv2d geometry) {
    return graph.batch_norm(graph.conv(y, name + part, geometry), name + part + "_norm");
  };
  int y = graph.activation(norm_of(x, ".expand", {.out_channels = hidden}), Activation::relu6);
  y = graph.activation(
      norm_of(y, ".depthwise", {.out_channels = hidden, .kernel = 3, .padding = 1, .groups = hidden}),
      Activation::relu6);
  return graph.sum({norm_of(y, ".project", {.out_channels = channels}), x});
}

inline void add_classifier(Graph& graph, int x, int classes = 5) {
  graph.add_output(graph.linear(graph.global_avg_pool(x), "classifier", classes));
}

}  // namespace rlnas::test
