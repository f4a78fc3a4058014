#include "search/darts/mixed_network.h"

#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "kernels/check.h"
#include "search/blocks.h"
#include "search/darts/mixed_cell.h"

namespace rlnas::darts {
namespace {

constexpr const char* kStageNames[] = {"stage 1", "stage 2", "stage 3"};
constexpr const char* kReductionNames[] = {"reduction 1", "reduction 2"};
constexpr int kPublishedChannels = 16, kPublishedCells = 8, kDilation = 2;

class Builder {
 public:
  explicit Builder(const NetworkOptions& options) : options_(options) {
    if (options_.channels == 0) options_.channels = kPublishedChannels;
    if (options_.cells == 0) options_.cells = kPublishedCells;
    RLNAS_CHECK(options_.channels > 0 && options_.channels % 2 == 0, usage, "--channels ", options_.channels,
                ": must be positive and even");
    RLNAS_CHECK(options_.cells >= 3, usage, "--cells ", options_.cells, ": a DARTS network has at least 3");
    RLNAS_CHECK(options_.image_size > 0 && options_.image_size % 4 == 0, usage, "--image-size ",
                options_.image_size, ": must be a positive multiple of 4");
  }

  Graph build() {
    int x = graph_.input({3, options_.image_size, options_.image_size});
    graph_.begin_stage("stem");
    x = graph_.batch_norm(
        graph_.conv(x, "stem.0", {.out_channels = 3 * options_.channels, .kernel = 3, .padding = 1}),
        "stem.1");
    int before = x, reductions = 0, channels = options_.channels;
    bool behind_reduction = false;
    for (int c = 0; c < options_.cells; ++c) {
      const bool reduces = c == options_.cells / 3 || c == 2 * options_.cells / 3;
      if (reduces) channels *= 2;
      graph_.begin_stage(reduces ? kReductionNames[reductions++] : kStageNames[reductions]);
      graph_.begin_unit();
      const int out =
          cell(c, reduces ? CellKind::reduce : CellKind::normal, channels, behind_reduction, before, x);
      before = std::exchange(x, out);
      behind_reduction = reduces;
    }
    graph_.begin_stage("head");
    graph_.begin_unit();
    graph_.add_output(graph_.linear(graph_.global_avg_pool(x), "classifier", options_.classes));
    return std::move(graph_);
  }

 private:
  // Input 0 is twice as large as input 1 behind a reduction.
  int cell(int index, CellKind kind, int channels, bool behind_reduction, int input0, int input1) {
    const std::string name = "cells." + std::to_string(index);
    const auto preprocess = [&](int x, const std::string& part) {
      return relu_conv_norm(graph_, x, name + part, {.out_channels = channels}, Affine::no);
    };
    graph_.set_owner({.cell = index});
    const int x0 = behind_reduction ? factorized_reduce(graph_, graph_.relu(input0), name + ".preprocess0",
                                                        channels, Affine::no)
                                    : preprocess(input0, ".preprocess0");
    const int x1 = preprocess(input1, ".preprocess1");
    graph_.set_owner({});
    const std::vector<int> nodes = add_mixed_nodes(
        graph_, kind, options_.channel_share, {graph_.sum({x0}), graph_.sum({x1})},
        [&](int edge, Op op, int source) {
          const int stride = halves_input(kind, edge) ? 2 : 1;
          if (op == Op::skip_connect && stride == 1) return source;
          graph_.set_owner({index, edge, int(op)});
          const int out =
              operation(op, source,
                        name + "._ops." + std::to_string(edge) + "._ops." + std::to_string(int(op)), stride);
          graph_.set_owner({});
          return out;
        });
    return graph_.concat({nodes.begin() + kInputCount, nodes.end()});
  }

  int operation(Op op, int x, const std::string& name, int stride) {
    const int channels = graph_[x].shape.channels;
    switch (op) {
      case Op::none:
        break;
      case Op::max_pool_3x3:
      case Op::avg_pool_3x3:
        return graph_.batch_norm(pool(op, x, stride), name + ".1", Affine::no);
      case Op::skip_connect:
        return factorized_reduce(graph_, graph_.relu(x), name, channels, Affine::no);
      case Op::sep_conv_3x3:
      case Op::sep_conv_5x5: {
        const int kernel = op == Op::sep_conv_3x3 ? 3 : 5;
        const int first =
            separable(graph_, graph_.relu(x), name, 1,
                      {.out_channels = channels, .kernel = kernel, .stride = stride}, Affine::no);
        return separable(graph_, graph_.relu(first), name, 5, {.out_channels = channels, .kernel = kernel},
                         Affine::no);
      }
      case Op::dil_conv_3x3:
      case Op::dil_conv_5x5:
        return separable(graph_, graph_.relu(x), name, 1,
                         {.out_channels = channels,
                          .kernel = op == Op::dil_conv_3x3 ? 3 : 5,
                          .stride = stride,
                          .dilation = kDilation},
                         Affine::no);
    }
    fail(ErrorCode::run_failed, name, ": no such operation");
  }

  // Many edges read one source: each pool of it is made once.
  int pool(Op op, int x, int stride) {
    const auto [found, is_new] = pools_.try_emplace({op, x, stride}, -1);
    const Pool window{.kernel = 3, .stride = stride, .padding = 1};
    if (is_new)
      found->second = op == Op::max_pool_3x3 ? graph_.max_pool(x, window) : graph_.avg_pool(x, window);
    return found->second;
  }

  NetworkOptions options_;
  Graph graph_;
  std::map<std::tuple<Op, int, int>, int> pools_;  // by kind, source and stride
};

}  // namespace

Graph mixed_network(const NetworkOptions& options) {
  return Builder(options).build();
}

}  // namespace rlnas::darts
