// Networks of your own on the engine: a graph of layers, its weights on a device, forward and backward
// passes, training steps. For studies of architectures that no search space has, on data that lie in memory.
//
//   namespace nn = rlnas::network;
//   nn::Graph graph({.channels = 3, .height = 32, .width = 32});
//   nn::Node x = graph.conv(graph.input(), "stem", {.out_channels = 16, .kernel = 3, .padding = 1});
//   x = graph.relu(graph.batch_norm(x, "stem.norm"));
//   graph.output(graph.linear(graph.global_avg_pool(x), "classifier", 10));
//
//   nn::Network net(rlnas::kernels::Device(), graph);
//   net.fit({images, labels}, {.epochs = 5, .learning_rate = 0.05});  // images [N,H,W,C] float, labels [N]
//   const double accuracy = net.evaluate({test_images, test_labels}).accuracy();
//
// Layouts: images are channels-last, [N,H,W,C]; weights PyTorch's, convolutions OIHW. Errors: rlnas::Error,
// usage for what does not fit, device for memory. Determinism: bit-equal for the same seed and any number of
// threads.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rlnas/kernels.hpp"

namespace rlnas::network {

// ---- the graph

enum class Node : int {};  // a value in a graph

// Of one image; a matrix row is an image of 1 x 1 pixels.
struct Shape {
  int channels = 3;
  int height = 1;
  int width = 1;

  std::int64_t count() const { return std::int64_t(channels) * height * width; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

struct Conv {
  int out_channels = 1;
  int kernel = 1;  // square
  int stride = 1;
  int padding = 0;
  int dilation = 1;
  int groups = 1;
};

struct Pool {
  int kernel = 3;
  int stride = 1;
  int padding = 1;  // never counts in an average, never wins a maximum
};

// Each call adds a node. Names are those of the layers' tensors ("stem" has "stem.weight"), each used once.
// What reads what is written down, nothing runs: a convolution and its norm, sums and activations become one
// pass later.
class RLNAS_API Graph {
 public:
  explicit Graph(Shape input);
  ~Graph();
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;

  Node input() const { return Node{0}; }
  Node conv(Node x, const std::string& name, const Conv& conv);  // without bias
  Node batch_norm(Node x, const std::string& name);              // gamma, beta: "weight", "bias"
  Node relu(Node x);
  Node relu6(Node x);
  Node sum(const std::vector<Node>& terms);
  Node concat(const std::vector<Node>& parts);  // of channels
  Node slice(Node x, int first_channel, int channels);
  Node channel_shuffle(Node x, int groups);
  Node avg_pool(Node x, const Pool& pool = {});
  Node max_pool(Node x, const Pool& pool = {});
  Node global_avg_pool(Node x);
  Node linear(Node x, const std::string& name,
              int out_features);                    // of 1 x 1 pixels; "weight" [out, in], "bias"
  Node dropout(Node x, const std::string& name);    // of values, by Options::dropout
  Node drop_path(Node x, const std::string& name);  // of whole images, by Options::drop_path
  void output(Node logits);                         // once

  Shape shape(Node node) const;
  int classes() const;              // of the output; 0: there is none
  std::int64_t macs() const;        // multiply-accumulates for one image: convolutions and linear layers
  std::int64_t parameters() const;  // elements

  struct State;
  const State& state() const { return *state_; }  // for the library itself

 private:
  std::unique_ptr<State> state_;
};

// What a training step on so many images takes, without running it.
struct Plan {
  std::uint64_t step_memory_bytes = 0;   // activations, gradients, scratch
  std::uint64_t fixed_memory_bytes = 0;  // weights, gradients, momentum, statistics
  std::vector<RecordedCall> calls;       // every primitive of forward, backward and update, with its cost
};
// should_stop: asked every 20 ms, for a device's kernels can take a while to plan; true: an Error,
// interrupted.
RLNAS_API Plan plan_step(const kernels::Device& device, const Graph& graph, int images,
                         const std::function<bool()>& should_stop = {});

// ---- the network

struct Options {
  std::uint64_t seed = 0;  // of the weights, of the order of images, of drops
  Initializer initializer = Initializer::pytorch;
  int batch = 64;        // images that memory is reserved for; more are possible, and take more then
  double dropout = 0.0;  // probability of a zero, where the graph has dropouts, in passes with gradients
  double drop_path = 0.0;
};

// What batch norms normalise by.
enum class Statistics {
  batch,    // the batch's own; the running ones are left alone
  follow,   // the batch's own, which the running ones follow: training
  running,  // the running ones: evaluation
};

struct Pass {
  Statistics statistics = Statistics::running;
  bool gradients = false;       // so that backward() can follow
  std::vector<Node> taps = {};  // values that are wanted besides the logits; with gradients no activations
};

struct Values {
  std::vector<float> logits;             // [N, classes]
  std::vector<std::vector<float>> taps;  // [N,H,W,C] of each
};

struct Sgd {
  float learning_rate = 0.1f;
  float momentum = 0.9f;
  float weight_decay = 0.0f;
  bool nesterov = false;
  float max_gradient_norm = std::numeric_limits<float>::infinity();  // L2, over all weights
};

struct Loss {
  double sum = 0.0;  // of cross-entropies
  std::int64_t correct = 0, images = 0;

  double mean() const { return images == 0 ? 0.0 : sum / double(images); }
  double accuracy() const { return images == 0 ? 0.0 : double(correct) / double(images); }
};

// Images in the caller's memory, which is only read. Shapes: images [N,H,W,C] of the graph's input, labels
// [N].
struct Data {
  std::span<const float> images;
  std::span<const std::int32_t> labels;
};

struct FitOptions {
  int epochs = 1;
  int batch = 64;
  double learning_rate = 0.1;
  double min_learning_rate = 0.0;
  Schedule schedule = Schedule::cosine;
  double momentum = 0.9;
  bool nesterov = true;
  double weight_decay = 5e-4;
  double max_gradient_norm = std::numeric_limits<double>::infinity();
  double label_smoothing = 0.0;
};

struct Progress {
  int epoch = 0;
  std::int64_t step = 0, steps = 0;  // done, and in all
  Loss loss;                         // over the epoch so far
};

struct Callbacks {
  std::function<void(const Progress&)> progress = {};  // after every step
  std::function<bool()> should_stop = {};              // asked before every step; true: return
};

struct Tensor {
  std::string name;
  std::vector<std::int64_t> shape;
  bool trained = true;  // false: a running statistic
};

class RLNAS_API Network {
 public:
  // A copy of the graph with fresh weights, and memory for a step, planned as by plan_step(). Errors: usage
  // for a graph without an output.
  Network(const kernels::Device& device, const Graph& graph, const Options& options = {},
          const std::function<bool()>& should_stop = {});
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;

  // Shapes: images [N,H,W,C].
  Values forward(std::span<const float> images, const Pass& pass = {});
  // Back from d loss / d logits through the last pass, which had gradients. What reaches the weights adds up
  // until step(). Returns what arrived at each tap, d loss / d value; empty where nothing did. Shapes: seed
  // [N, classes].
  std::vector<std::vector<float>> backward(std::span<const float> seed);
  // Forward and backward from the mean cross-entropy.
  Loss gradients(const Data& batch, double label_smoothing = 0.0);
  void step(const Sgd& sgd);  // the update, by the gradients since the last one
  void forget_gradients();

  // Epochs of steps in a shuffled order. Returns the last epoch's loss, or that up to where it stopped.
  Loss fit(const Data& data, const FitOptions& options, const Callbacks& callbacks = {});
  // By running statistics.
  Loss evaluate(const Data& data, int batch = 64, const Callbacks& callbacks = {});

  // All tensors, in the order of the graph: parameters, then running statistics.
  std::vector<Tensor> tensors() const;
  // Errors: usage for a name that is none, or another number of values.
  std::vector<float> get(const std::string& name) const;
  void set(const std::string& name, std::span<const float> values);
  std::vector<float> gradient(const std::string& name) const;  // since the last step()

  // Of each parameter: its weights as they were when the network was made, or at the last call of
  // mark_initial(), against the present ones. kernels::angle_rad() of their sum is the network's angle.
  std::vector<AngleSums> angle_sums();
  void mark_initial();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rlnas::network
