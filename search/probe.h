// What training-free indicators look at: the stand-alone network of an architecture with fresh weights, on a
// device, and the numbers that are put into it. One architecture is looked at at a time; those that follow
// use the same memory.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/graph.h"
#include "search/executor.h"
#include "search/probe_draws.h"
#include "search/probe_images.h"
#include "search/space.h"

namespace rlnas {

struct ProbeOptions {
  NetworkOptions network;  // of kind stand_alone
  int batch = 64;
};

// Standard deviation of a fresh weight.
enum class WeightScale {
  kaiming_fan_in,  // sqrt(2 / fan_in), of convolutions and the classifier
  unit,            // 1
};

// Of a weight's gradients over several batches.
struct GradientMoments {
  double size = 0.0;  // mean |g|
  double mean = 0.0;
  double variance = 0.0;  // divided by the number of batches
};

class Probe {
 public:
  // `make_draws`: where all random numbers come from.
  using MakeDraws = std::function<std::unique_ptr<ProbeDraws>(int draw)>;
  // `images`: null: noise. Must outlive this.
  Probe(Backend& backend, const Space& space, const ProbeOptions& options, MakeDraws make_draws,
        const ProbeImages* images = nullptr);

  // Device memory that passes over an architecture with the largest activations take.
  static std::size_t planned_bytes(Backend& backend, const Space& space, const ProbeOptions& options);

  // The network of an architecture; what was looked at before is gone, but for the same genes and scale.
  // Biases are 0, batch norms gamma 1 and beta 0, running statistics those of standard normal values.
  struct Network {
    Graph graph;
    NetworkLayout layout;
    Executor executor;
    const std::vector<float>& weights;  // on the host, in the layout's order

    Program program(const ProgramOptions& options) const { return {graph, layout, options}; }
    // The nodes of features as an indicator sees them: the stem's, then each cell's or block's.
    std::vector<Graph::Feature> features() const;
  };
  // Whether some path leads through it from the image to the logits.
  bool is_alive(const Genes& genes) const;
  Network& network(const Genes& genes, WeightScale scale = WeightScale::kaiming_fan_in);

  // Standard normal images [count,H,W,3] under a name, on the device; count 0: a batch. Random signs of a
  // shape. Both stay there for the networks to come.
  const Tensor& noise(const std::string& name, int count = 0);
  const Tensor& signs(const std::string& name, Shape shape);

  // Batch 0, 1, ... of images and their labels, or of noise and random labels; data_part(): images first ..
  // first+count-1 of batch 0.
  struct Batch {
    Tensor images;
    Tensor labels;  // [N], of 0 .. classes-1
  };
  Batch data(int index);
  Batch data_part(int first, int count);
  // The first images of --probe-data, or noise("input", count); count 0: a batch. Errors: usage for more than
  // a batch of --probe-data.
  Tensor input(int count = 0);
  // Images first .. first+count-1 of noise("input").
  const Tensor& noise_part(int first, int count);

  // Memory on the host that indicators reuse from network to network; whatever was in it.
  std::vector<float>& scratch(std::size_t count) { return resized(floats_, count); }
  std::vector<GradientMoments>& moments_scratch(std::size_t count) { return resized(moments_, count); }

  // Numbers drawn anew from here on: draw 0, 1, ... of the same seed.
  void use_draw(int draw);

  Backend& backend() { return backend_; }
  ProbeDraws& draws() { return *draws_[std::size_t(draw_)]; }
  const ProbeOptions& options() const { return options_; }
  const Space& space() const { return space_; }

 private:
  void draw_weights(const SegmentTable& table, WeightScale scale);
  const Tensor& kept(const std::string& name, Shape shape, const std::vector<float>& values);
  const Tensor& kept_labels(const std::string& name, const std::vector<std::int32_t>& labels);
  struct HostBatch {
    const std::vector<float>& images;
    std::vector<std::int32_t> labels;
  };
  HostBatch host_data(int index);
  Shape image_shape(int count) const;
  template <class T>
  static std::vector<T>& resized(std::vector<T>& values, std::size_t count) {
    if (values.size() != count) values.resize(count);
    return values;
  }

  Backend& backend_;
  const Space& space_;
  ProbeOptions options_;
  MakeDraws make_draws_;
  const ProbeImages* images_;
  std::vector<std::unique_ptr<ProbeDraws>> draws_;  // made so far
  int draw_ = 0;
  std::unique_ptr<Arena> arena_;
  Genes genes_;  // of network_
  WeightScale scale_ = WeightScale::kaiming_fan_in;
  std::vector<float> weights_;                                  // fresh ones of network_
  std::map<std::pair<std::string, std::size_t>, Tensor> kept_;  // of this draw, on the device
  std::vector<float> floats_;
  std::vector<GradientMoments> moments_;
  std::unique_ptr<Network> network_;
};

}  // namespace rlnas
