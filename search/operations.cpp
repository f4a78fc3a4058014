#include "search/operations.h"

#include <algorithm>

#include "search/blocks.h"

namespace rlnas {
namespace {

const std::vector<const char*> kActivations{"none", "relu", "relu6"};  // as in Activation

OperationParameter kernel_of(const char* help) {
  return {.name = "kernel", .standard = 3, .low = 1, .high = 11, .help = help, .odd = true};
}

OperationParameter activation_or(Activation standard) {
  return {.name = "activation",
          .standard = int(standard),
          .low = 0,
          .high = 2,
          .help = "behind the norm: none, relu or relu6",
          .words = kActivations};
}

// DARTS' pools have a norm in a SuperNet and none in a network by itself.
OperationParameter norm_of_pool() {
  return {.name = "norm",
          .standard = 0,
          .low = 0,
          .high = 2,
          .help = "behind it: in no network, in a SuperNet alone, or in all",
          .words = {"none", "supernet", "all"}};
}

int pooled(const OperationSite& site, int x, int norm) {
  const bool has_norm = norm == 2 || (norm == 1 && site.network == NetworkKind::supernet);
  return has_norm ? site.graph.batch_norm(x, site.name + ".1", site.affine) : x;
}

int activated(Graph& graph, int x, int activation) {
  return activation == 0 ? x : graph.activation(x, Activation(activation));
}

Conv2d convolution(const OperationSite& site, int kernel, int dilation, int groups) {
  return {.out_channels = site.channels,
          .kernel = kernel,
          .stride = site.stride,
          .padding = dilation * (kernel - 1) / 2,
          .dilation = dilation,
          .groups = groups};
}

bool changes_shape(const OperationSite& site) {
  return site.stride != 1 || site.channels != site.graph[site.x].shape.channels;
}

// A ResNet block around `y`, which ends in a norm: the input, brought to the shape by a 1x1 convolution where
// that differs, is added, and then the sum activated.
int with_shortcut(const OperationSite& site, int y) {
  Graph& graph = site.graph;
  int x = site.x;
  if (changes_shape(site))
    x = conv_norm(graph, x, site.name + ".shortcut", 0, convolution(site, 1, 1, 1), site.affine);
  return graph.relu(graph.sum({y, x}));
}

std::vector<Operation> make_operations() {
  return {
      {.name = "none", .help = "no connection", .reshapes = Reshapes::nothing},
      {.name = "skip",
       .help = "hands its input on; where a cell halves it a factorised reduction; no block that changes the "
               "shape offers it",
       .reshapes = Reshapes::nothing,
       .constant = AngleConstant::identity,
       .passes_on = true,
       .build =
           [](const OperationSite& site, const OperationValues&) {
             if (site.stride == 1) return site.x;
             return factorized_reduce(site.graph, site.graph.relu(site.x), site.name, site.channels,
                                      site.affine);
           }},
      {.name = "avg_pool",
       .help = "average of the pixels inside the image",
       .reshapes = Reshapes::size,
       .constant = AngleConstant::pool_kernel,
       .parameters = {kernel_of("side of the square"), norm_of_pool()},
       .build =
           [](const OperationSite& site, const OperationValues& v) {
             const Pool pool{.kernel = v[0], .stride = site.stride, .padding = v[0] / 2};
             return pooled(site, site.graph.avg_pool(site.x, pool), v[1]);
           }},
      {.name = "max_pool",
       .help = "largest of the pixels inside the image",
       .reshapes = Reshapes::size,
       .constant = AngleConstant::pool_kernel,
       .parameters = {kernel_of("side of the square"), norm_of_pool()},
       .build =
           [](const OperationSite& site, const OperationValues& v) {
             const Pool pool{.kernel = v[0], .stride = site.stride, .padding = v[0] / 2};
             return pooled(site, site.graph.max_pool(site.x, pool), v[1]);
           }},
      {.name = "conv",
       .help = "ReLU, convolution, norm",
       .parameters = {kernel_of("side of the filter"),
                      {.name = "dilation", .standard = 1, .low = 1, .high = 8, .help = "of the filter"},
                      {.name = "groups", .standard = 1, .low = 1, .high = 1024, .help = "of channels"}},
       .build =
           [](const OperationSite& site, const OperationValues& v) {
             return relu_conv_norm(site.graph, site.x, site.name, convolution(site, v[0], v[1], v[2]),
                                   site.affine);
           }},
      {.name = "conv_norm",
       .help = "convolution, norm, activation",
       .parameters = {kernel_of("side of the filter"),
                      {.name = "dilation", .standard = 1, .low = 1, .high = 8, .help = "of the filter"},
                      {.name = "groups", .standard = 1, .low = 1, .high = 1024, .help = "of channels"},
                      activation_or(Activation::relu),
                      {.name = "first",
                       .standard = 0,
                       .low = 0,
                       .high = 99,
                       .help = "number of the convolution behind the name of its weights"}},
       .build =
           [](const OperationSite& site, const OperationValues& v) {
             const int x = conv_norm(site.graph, site.x, site.name, v[4], convolution(site, v[0], v[1], v[2]),
                                     site.affine);
             return activated(site.graph, x, v[3]);
           }},
      {.name = "norm",
       .help = "norm, activation",
       .reshapes = Reshapes::nothing,
       .parameters = {activation_or(Activation::relu)},
       .build =
           [](const OperationSite& site, const OperationValues& v) {
             const int x = site.graph.batch_norm(site.x, site.name + ".0", site.affine);
             return activated(site.graph, x, v[0]);
           }},
      {.name = "relu",
       .help = "ReLU alone",
       .reshapes = Reshapes::nothing,
       .build = [](const OperationSite& site, const OperationValues&) { return site.graph.relu(site.x); }},
      {.name = "depthwise",
       .help = "ReLU, depthwise convolution, norm",
       .reshapes = Reshapes::size,
       .parameters = {kernel_of("side of the filter"),
                      {.name = "dilation", .standard = 1, .low = 1, .high = 8, .help = "of the filter"}},
       .build =
           [](const OperationSite& site, const OperationValues& v) {
             return relu_conv_norm(site.graph, site.x, site.name,
                                   convolution(site, v[0], v[1], site.channels), site.affine);
           }},
      {.name = "sep_conv",
       .help = "two times ReLU, depthwise and 1x1 convolution, norm (DARTS)",
       .parameters = {kernel_of("side of the depthwise filters")},
       .build =
           [](const OperationSite& site, const OperationValues& v) {
             Graph& graph = site.graph;
             const int first = separable(
                 graph, graph.relu(site.x), site.name, 1,
                 {.out_channels = graph[site.x].shape.channels, .kernel = v[0], .stride = site.stride},
                 site.affine);
             return separable(graph, graph.relu(first), site.name, 5,
                              {.out_channels = site.channels, .kernel = v[0]}, site.affine);
           }},
      {.name = "dil_conv",
       .help = "ReLU, dilated depthwise and 1x1 convolution, norm (DARTS)",
       .parameters = {kernel_of("side of the depthwise filter"),
                      {.name = "dilation", .standard = 2, .low = 1, .high = 8, .help = "of the filter"}},
       .build =
           [](const OperationSite& site, const OperationValues& v) {
             return separable(
                 site.graph, site.graph.relu(site.x), site.name, 1,
                 {.out_channels = site.channels, .kernel = v[0], .stride = site.stride, .dilation = v[1]},
                 site.affine);
           }},
      {.name = "inverted_residual",
       .help = "1x1 expansion, depthwise convolution, 1x1 projection, input added (MobileNetV2)",
       .parameters = {kernel_of("side of the depthwise filter"),
                      {.name = "expansion",
                       .standard = 6,
                       .low = 1,
                       .high = 16,
                       .help = "hidden channels an input channel; 1: no expansion"}},
       .build =
           [](const OperationSite& site, const OperationValues& v) {
             return inverted_residual(site.graph, site.x, site.name, {site.channels, v[0], site.stride, v[1]},
                                      site.affine);
           }},
      {.name = "residual",
       .help = "two convolutions with norms, input added, ReLU (ResNet's basic block)",
       .parameters = {kernel_of("side of both filters")},
       .build =
           [](const OperationSite& site, const OperationValues& v) {
             Graph& graph = site.graph;
             const int first =
                 conv_norm(graph, site.x, site.name, 0, convolution(site, v[0], 1, 1), site.affine);
             const Conv2d second{.out_channels = site.channels, .kernel = v[0], .padding = v[0] / 2};
             return with_shortcut(site,
                                  conv_norm(graph, graph.relu(first), site.name, 3, second, site.affine));
           }},
      {.name = "bottleneck",
       .help = "1x1 to fewer channels, convolution, 1x1 back, input added, ReLU (ResNet, ResNeXt)",
       .parameters =
           {kernel_of("side of the middle filter"),
            {.name = "squeeze",
             .standard = 4,
             .low = 1,
             .high = 16,
             .help = "channels of the output for one inside"},
            {.name = "groups", .standard = 1, .low = 1, .high = 1024, .help = "of channels inside"}},
       .build =
           [](const OperationSite& site, const OperationValues& v) {
             Graph& graph = site.graph;
             OperationSite inside = site;
             inside.channels = std::max(1, site.channels / v[1]);
             int y = conv_norm(graph, site.x, site.name, 0, {.out_channels = inside.channels}, site.affine);
             y = conv_norm(graph, graph.relu(y), site.name, 3, convolution(inside, v[0], 1, v[2]),
                           site.affine);
             y = conv_norm(graph, graph.relu(y), site.name, 6, {.out_channels = site.channels}, site.affine);
             return with_shortcut(site, y);
           }},
      {.name = "factorized_reduce",
       .help = "ReLU, two 1x1 convolutions of stride 2 a pixel apart, norm (DARTS); a 1x1 one at stride 1",
       .build =
           [](const OperationSite& site, const OperationValues&) {
             if (site.stride == 1)
               return relu_conv_norm(site.graph, site.x, site.name, convolution(site, 1, 1, 1), site.affine);
             return factorized_reduce(site.graph, site.graph.relu(site.x), site.name, site.channels,
                                      site.affine);
           }},
      {.name = "reduction_block",
       .help = "halves the image by a residual block of two 3x3 convolutions (NAS-Bench-201); stride 2 alone",
       .only_halves = true,
       .build =
           [](const OperationSite& site, const OperationValues&) {
             return reduction_block(site.graph, site.x, site.name, site.channels);
           }},
  };
}

}  // namespace

int Operation::parameter(std::string_view parameter_name) const {
  for (std::size_t i = 0; i < parameters.size(); ++i)
    if (parameter_name == parameters[i].name) return int(i);
  return -1;
}

const std::vector<Operation>& operations() {
  static const std::vector<Operation> all = make_operations();
  return all;
}

const Operation* find_operation(std::string_view name) {
  for (const Operation& operation : operations())
    if (name == operation.name) return &operation;
  return nullptr;
}

}  // namespace rlnas
