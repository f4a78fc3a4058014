// rlnas.h: networks of one's own.
#include <array>
#include <nlohmann/json.hpp>

#include "engine/interruption.h"
#include "rlnas/network.hpp"
#include "search/api/c_support.h"

using namespace rlnas::c;
using Json = nlohmann::ordered_json;
namespace nn = rlnas::network;

struct rlnas_graph {
  nn::Graph graph;
};

struct rlnas_network {
  nn::Network network;
  std::int64_t image = 0;                        // floats of one
  nn::Values values = {};                        // of the last pass
  std::vector<std::vector<float>> arrived = {};  // at its taps, after the way back
};

namespace {

int or_one(int value) {
  return value == 0 ? 1 : value;
}

nn::Node add(nn::Graph& graph, const std::string& kind, const std::string& name,
             const std::vector<nn::Node>& inputs, const rlnas_layer& layer) {
  RLNAS_CHECK(!inputs.empty(), usage, kind, ": no inputs");
  const bool joins = kind == "sum" || kind == "concat";
  RLNAS_CHECK(joins || inputs.size() == 1, usage, kind, ": ", inputs.size(), " inputs, it takes one");
  const nn::Node x = inputs.front();
  const nn::Pool pool{or_one(layer.kernel), or_one(layer.stride), layer.padding};
  if (kind == "conv")
    return graph.conv(x, name,
                      {layer.out_channels, pool.kernel, pool.stride, pool.padding, or_one(layer.dilation),
                       or_one(layer.groups)});
  if (kind == "batch_norm") return graph.batch_norm(x, name);
  if (kind == "relu") return graph.relu(x);
  if (kind == "relu6") return graph.relu6(x);
  if (kind == "sum") return graph.sum(inputs);
  if (kind == "concat") return graph.concat(inputs);
  if (kind == "slice") return graph.slice(x, layer.first_channel, layer.out_channels);
  if (kind == "channel_shuffle") return graph.channel_shuffle(x, layer.groups);
  if (kind == "avg_pool") return graph.avg_pool(x, pool);
  if (kind == "max_pool") return graph.max_pool(x, pool);
  if (kind == "global_avg_pool") return graph.global_avg_pool(x);
  if (kind == "dropout") return graph.dropout(x, name);
  if (kind == "drop_path") return graph.drop_path(x, name);
  if (kind == "linear") return graph.linear(x, name, layer.out_channels);
  rlnas::fail(rlnas::ErrorCode::usage, "no such kind of node: '", kind, "'");
}

nn::Data data_of(const rlnas_network& network, const float* images, const std::int32_t* labels,
                 std::size_t count) {
  return {{&required(images, "images"), count * std::size_t(network.image)},
          {&required(labels, "labels"), count}};
}

nn::Callbacks callbacks_of(const rlnas_callbacks& c) {
  nn::Callbacks callbacks{.progress = {}, .should_stop = stop_of(c)};
  if (c.progress != nullptr)
    callbacks.progress = [c](const nn::Progress& now) {
      rlnas_progress progress = RLNAS_INIT(rlnas_progress);
      progress.step = now.step;
      progress.steps = now.steps;
      progress.epoch = now.epoch;
      progress.loss = now.loss.mean();
      progress.accuracy = now.loss.accuracy();
      c.progress(c.user, &progress);
    };
  return callbacks;
}

// What a pass or a tensor came to, into memory of the caller's that has room for exactly that.
void put_values(const std::string& what, const std::vector<float>& own, float* values, std::size_t count) {
  RLNAS_CHECK(own.size() == count, usage, what, ": ", own.size(), " values, not ", count);
  if (count > 0) std::ranges::copy(own, &required(values, "values"));
}

void run_pass(rlnas_network& network, const float* images, std::size_t count, const nn::Pass& pass,
              float* logits, std::size_t logit_count) {
  network.values = {};
  network.arrived.clear();
  network.values =
      network.network.forward({&required(images, "images"), count * std::size_t(network.image)}, pass);
  put_values("logits", network.values.logits, logits, logit_count);
}

nn::Pass pass_of(const rlnas_pass& c) {
  nn::Pass pass{.gradients = c.gradients != 0};
  switch (c.statistics) {
    case RLNAS_STATISTICS_RUNNING:
      pass.statistics = nn::Statistics::running;
      break;
    case RLNAS_STATISTICS_BATCH:
      pass.statistics = nn::Statistics::batch;
      break;
    case RLNAS_STATISTICS_FOLLOW:
      pass.statistics = nn::Statistics::follow;
      break;
    default:
      rlnas::fail(rlnas::ErrorCode::usage, "no such statistics: ", int(c.statistics));
  }
  for (std::size_t i = 0; i < c.tap_count; ++i) pass.taps.push_back(nn::Node{(&required(c.taps, "taps"))[i]});
  return pass;
}

const std::vector<float>& tapped(const std::vector<std::vector<float>>& all, std::size_t tap) {
  RLNAS_CHECK(tap < all.size(), usage, "tap ", tap, ": the last pass has ", all.size());
  return all[tap];
}

void put_loss(const nn::Loss& of, rlnas_loss* loss) {
  rlnas_loss own = RLNAS_INIT(rlnas_loss);
  own.sum = of.sum;
  own.correct = of.correct;
  own.images = of.images;
  put(own, loss);
}

}  // namespace

rlnas_status rlnas_graph_new(std::int32_t channels, std::int32_t height, std::int32_t width,
                             rlnas_graph** graph) {
  return guarded([&] {
    required(graph, "graph");
    *graph = new rlnas_graph{nn::Graph({channels, height, width})};
  });
}

void rlnas_graph_free(rlnas_graph* graph) {
  delete graph;
}

rlnas_status rlnas_graph_add(rlnas_graph* graph, const char* kind, const char* name,
                             const std::int32_t* inputs, std::size_t input_count, const rlnas_layer* layer,
                             std::int32_t* node) {
  return guarded([&] {
    std::vector<nn::Node> nodes;
    for (std::size_t i = 0; i < input_count; ++i) nodes.push_back(nn::Node{(&required(inputs, "inputs"))[i]});
    required(node, "node") = int(
        add(required(graph, "graph").graph, required_text(kind, "kind"), text_of(name), nodes, taken(layer)));
  });
}

rlnas_status rlnas_graph_output(rlnas_graph* graph, std::int32_t logits) {
  return guarded([&] { required(graph, "graph").graph.output(nn::Node{logits}); });
}

rlnas_status rlnas_graph_shape(const rlnas_graph* graph, std::int32_t node, std::int32_t shape[3]) {
  return guarded([&] {
    const nn::Shape own = required(graph, "graph").graph.shape(nn::Node{node});
    std::ranges::copy(std::array{own.height, own.width, own.channels}, &required(shape, "shape"));
  });
}

std::int32_t rlnas_graph_classes(const rlnas_graph* graph) {
  return graph == nullptr ? 0 : graph->graph.classes();
}

std::int64_t rlnas_graph_macs(const rlnas_graph* graph) {
  return graph == nullptr ? 0 : graph->graph.macs();
}

std::int64_t rlnas_graph_parameters(const rlnas_graph* graph) {
  return graph == nullptr ? 0 : graph->graph.parameters();
}

rlnas_status rlnas_network_new(const rlnas_graph* graph, const char* device, std::int32_t threads,
                               std::uint64_t seed, rlnas_network** network) {
  rlnas_network_options options = RLNAS_INIT(rlnas_network_options);
  options.device = device;
  options.threads = threads;
  options.seed = seed;
  return rlnas_network_make(graph, &options, nullptr, network);
}

rlnas_status rlnas_network_make(const rlnas_graph* graph, const rlnas_network_options* options,
                                const rlnas_callbacks* callbacks, rlnas_network** network) {
  return guarded([&] {
    required(network, "network");
    const nn::Graph& own = required(graph, "graph").graph;
    const rlnas_network_options how = taken(&required(options, "options"));
    const std::string name = text_of(how.device);
    const rlnas::kernels::Device on({.name = name.empty() ? "auto" : name, .threads = how.threads});
    *network = new rlnas_network{nn::Network(on, own,
                                             {.seed = how.seed,
                                              .batch = how.batch == 0 ? 64 : how.batch,
                                              .dropout = how.dropout,
                                              .drop_path = how.drop_path},
                                             stop_of(taken(callbacks))),
                                 own.shape(own.input()).count()};
  });
}

void rlnas_network_free(rlnas_network* network) {
  delete network;
}

rlnas_status rlnas_network_fit(rlnas_network* network, const float* images, const std::int32_t* labels,
                               std::size_t count, const rlnas_fit_options* options,
                               const rlnas_callbacks* callbacks, rlnas_loss* last_epoch) {
  return guarded([&] {
    const rlnas_fit_options own = taken(&required(options, "options"));
    const nn::Loss loss = required(network, "network")
                              .network.fit(data_of(*network, images, labels, count),
                                           {.epochs = own.epochs,
                                            .batch = own.batch,
                                            .learning_rate = own.learning_rate,
                                            .min_learning_rate = own.min_learning_rate,
                                            .momentum = own.momentum,
                                            .weight_decay = own.weight_decay,
                                            .label_smoothing = own.label_smoothing},
                                           callbacks_of(taken(callbacks)));
    put_loss(loss, last_epoch);
  });
}

rlnas_status rlnas_network_evaluate(rlnas_network* network, const float* images, const std::int32_t* labels,
                                    std::size_t count, const rlnas_callbacks* callbacks, rlnas_loss* loss) {
  return guarded([&] {
    const nn::Data data = data_of(required(network, "network"), images, labels, count);
    put_loss(network->network.evaluate(data, 64, callbacks_of(taken(callbacks))), loss);
  });
}

rlnas_status rlnas_network_forward(rlnas_network* network, const float* images, std::size_t count,
                                   float* logits, std::size_t logit_count) {
  return guarded([&] { run_pass(required(network, "network"), images, count, {}, logits, logit_count); });
}

rlnas_status rlnas_network_pass(rlnas_network* network, const float* images, std::size_t count,
                                const rlnas_pass* pass, float* logits, std::size_t logit_count) {
  return guarded([&] {
    run_pass(required(network, "network"), images, count, pass_of(taken(pass)), logits, logit_count);
  });
}

rlnas_status rlnas_network_backward(rlnas_network* network, const float* seed, std::size_t count) {
  return guarded([&] {
    rlnas_network& own = required(network, "network");
    own.arrived = own.network.backward({&required(seed, "seed"), count});
  });
}

rlnas_status rlnas_network_tap(const rlnas_network* network, std::size_t tap, float* values,
                               std::size_t count) {
  return guarded(
      [&] { put_values("the tap", tapped(required(network, "network").values.taps, tap), values, count); });
}

rlnas_status rlnas_network_tap_gradient(const rlnas_network* network, std::size_t tap, float* values,
                                        std::size_t count) {
  return guarded([&] {
    const rlnas_network& own = required(network, "network");
    tapped(own.values.taps, tap);
    RLNAS_CHECK(!own.arrived.empty(), usage, "no way back through the last pass yet");
    const std::vector<float>& arrived = tapped(own.arrived, tap);
    RLNAS_CHECK(!arrived.empty(), usage, "no gradient arrived at tap ", tap);
    put_values("the tap", arrived, values, count);
  });
}

rlnas_status rlnas_network_gradients(rlnas_network* network, const float* images, const std::int32_t* labels,
                                     std::size_t count, double label_smoothing, rlnas_loss* loss) {
  return guarded([&] {
    const nn::Data batch = data_of(required(network, "network"), images, labels, count);
    put_loss(network->network.gradients(batch, label_smoothing), loss);
  });
}

rlnas_status rlnas_network_step(rlnas_network* network, const rlnas_sgd* sgd) {
  return guarded([&] {
    const rlnas_sgd own = taken(&required(sgd, "sgd"));
    nn::Sgd step{.learning_rate = float(own.learning_rate),
                 .momentum = float(own.momentum),
                 .weight_decay = float(own.weight_decay),
                 .nesterov = own.nesterov != 0};
    if (own.max_gradient_norm != 0.0) step.max_gradient_norm = float(own.max_gradient_norm);
    required(network, "network").network.step(step);
  });
}

rlnas_status rlnas_network_gradient(const rlnas_network* network, const char* name, float* values,
                                    std::size_t count) {
  return guarded([&] {
    const std::string wanted = required_text(name, "name");
    put_values(wanted, required(network, "network").network.gradient(wanted), values, count);
  });
}

rlnas_status rlnas_network_forget_gradients(rlnas_network* network) {
  return guarded([&] { required(network, "network").network.forget_gradients(); });
}

rlnas_status rlnas_network_tensors(const rlnas_network* network, char** json) {
  return guarded([&] {
    Json list = Json::array();
    for (const nn::Tensor& one : required(network, "network").network.tensors())
      list.push_back({{"name", one.name}, {"shape", one.shape}, {"trained", one.trained}});
    give(list.dump(), json);
  });
}

rlnas_status rlnas_network_get(const rlnas_network* network, const char* name, float* values,
                               std::size_t count) {
  return guarded([&] {
    const std::string wanted = required_text(name, "name");
    put_values(wanted, required(network, "network").network.get(wanted), values, count);
  });
}

rlnas_status rlnas_network_set(rlnas_network* network, const char* name, const float* values,
                               std::size_t count) {
  return guarded([&] {
    required(network, "network")
        .network.set(required_text(name, "name"), {&required(values, "values"), count});
  });
}

rlnas_status rlnas_network_angle(rlnas_network* network, double* angle) {
  return guarded([&] {
    rlnas::AngleSums all;
    for (const rlnas::AngleSums& sums : required(network, "network").network.angle_sums()) all += sums;
    required(angle, "angle") = rlnas::kernels::angle_rad(all);
  });
}

rlnas_status rlnas_network_mark_initial(rlnas_network* network) {
  return guarded([&] { required(network, "network").network.mark_initial(); });
}
