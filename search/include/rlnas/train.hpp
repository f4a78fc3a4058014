// Training, as rlnas_train does it: how a network is trained, what a run leaves in its directory, what is
// told on the way. One of the three layers of the library: see rlnas/search.hpp, which has what comes after.
//
//   rlnas::TrainConfig config;
//   config.data.spec = "cifar10:cifar";
//   config.run.out = "runs/a";
//   rlnas::train(config);
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "rlnas/choices.hpp"
#include "rlnas/device_config.hpp"
#include "rlnas/error.hpp"

namespace rlnas {

RLNAS_API std::string version();  // "0.1.0 (git 1a2b3c4)"

// What is trained: the SuperNet of a space, or one architecture of it by itself.
struct NetworkConfig {
  std::string space = "nasbench201";
  std::string arch;        // empty: the SuperNet; otherwise one architecture of the space, by itself
  int channels = 0;        // of a DARTS `arch` or search in its first cells; 0: as published
  int cells = 0;           // likewise; 0: as published
  double auxiliary = 0.0;  // weight of the auxiliary loss of a DARTS `arch`; 0: no such head
  double drop_path = 0.0;  // of a DARTS `arch`: probability at the end, grown from 0
  double dropout = 0.0;    // of a MobileNet `arch`: before its classifier
};

// Images in the caller's memory, which train() copies before the first step. Shapes: pixels
// [count, height, width, 3], labels [count], 0 .. classes-1.
struct MemoryImages {
  const std::uint8_t* pixels = nullptr;
  const std::int32_t* labels = nullptr;
  std::int64_t count = 0;
  int height = 0, width = 0;  // the same
  int classes = 0;
};

// The training images.
struct DataConfig {
  std::string spec;     // KIND[:ARGUMENT], for example cifar10:DIR; rlnas_train --help lists them
  MemoryImages memory;  // instead, where it has any; normalised by their own mean and deviation
  CifarSplit split = CifarSplit::half;
  std::int64_t images = 0;  // train on the first so many images of the split; 0: all
  int image_size = 32;      // of folder and synthetic data
  bool augment = true;      // random flip and shifted crop
  TrainingCrop crop = TrainingCrop::shift;
  int cutout = 0;       // side of a square of each training image that is blanked; 0: none
  int threads = 0;      // that read and decode images; 0: all cores
  bool strict = false;  // an unreadable image file is fatal
};

struct LabelConfig {
  LabelKind kind = LabelKind::random;
  std::int64_t seed = -1;  // -1: that of the recipe
  int classes = 0;         // 0: as many as the data has
};

// How it is trained: what decides the weights, beside the network and its data.
struct RecipeConfig {
  std::uint64_t seed = 0;  // of initialisation, paths, order and augmentation
  Compat compat = Compat::none;
  PathSampling sampling = PathSampling::per_cell;
  Unsampled unsampled = Unsampled::coast;
  int epochs = 250;
  int batch_size = 64;
  int micro_batch = 0;  // images of a forward and backward pass; 0: the whole batch
  Initializer initializer = Initializer::pytorch;
  Schedule schedule = Schedule::cosine;
  double learning_rate = 0.025;
  double min_learning_rate = 0.001;
  double momentum = 0.9;
  bool nesterov = true;
  double weight_decay = 5e-4;
  Decay decay = Decay::all;
  double clip_norm = 0.0;   // largest L2 norm of the gradient; 0: not clipped
  double clip_value = 0.0;  // largest magnitude of an element of the gradient; 0: not clipped
  double label_smoothing = 0.0;
};

// A differentiable search: what moves the weights of the candidates. Half of the training images are held out
// for it.
struct MixtureConfig {
  TrainMethod method = TrainMethod::single_path;
  int begin = 15;               // epoch from which the weights of the candidates move
  double learning_rate = 6e-4;  // of Adam, whose betas are 0.5 and 0.999
  double weight_decay = 1e-3;
};

// The test set of an `arch`.
struct EvalConfig {
  std::string spec;   // as that of the data; empty: none
  int every = 1;      // epochs between evaluations; 0: only at the end
  bool only = false;  // evaluate the run to resume, and return
};

// Where the run goes, how far, and what it leaves behind.
struct RunConfig {
  std::string out;                   // run directory
  std::string resume;                // "", "auto" (go on when `out` holds a run) or a run directory
  std::int64_t steps = 0;            // stop after so many in all; 0: run all epochs
  int checkpoint_every = 0;          // also keep epoch_N.safetensors every so many epochs; 0: never
  double save_every_minutes = 10.0;  // between checkpoints within an epoch; 0: only at its end
  int log_every = 50;                // steps between step events
  std::string tensorboard;           // directory of event files; empty: none
  bool profile = false;              // time every operation; the report is in TrainResult
};

// How a network is trained. The defaults are the published NAS-Bench-201 recipe (method.md 3.3);
// default_train_config() has those of the other spaces. Its enums are in rlnas/choices.hpp.
struct TrainConfig {
  NetworkConfig network;
  DataConfig data;
  LabelConfig labels;
  RecipeConfig recipe;
  MixtureConfig mixture;
  EvalConfig eval;
  RunConfig run;
  DeviceConfig device;
};

struct TrainProgress {
  int epoch = 0;  // of this step, from 0
  int epochs = 0;
  std::int64_t step = 0;   // steps done, over all epochs
  std::int64_t steps = 0;  // steps the run will do
  double loss = 0.0;       // mean over the epoch so far
  double accuracy = 0.0;   // likewise, on the labels trained on
  double learning_rate = 0.0;
  double images_per_s = 0.0;
  double eta_s = 0.0;
  bool logged = false;  // this step also went to events.jsonl (every log_every steps and at the end)
  // At the end of an epoch: over a fixed sample of architectures, in radians.
  bool epoch_end = false;
  bool has_angles = false;  // not when `arch` trains by itself
  double angle_mean_rad = 0.0, angle_min_rad = 0.0, angle_max_rad = 0.0;
  // Likewise, of a differentiable search.
  struct Mixture {
    double held_out_loss = 0.0, held_out_accuracy = 0.0;  // mean over the epoch; only where `moves`
    bool moves = false;                                   // the epoch has moved the weights of the candidates
    double entropy = 0.0;                                 // mean over the edges, in nats
    std::string genotype;                                 // that these weights favour
  };
  std::optional<Mixture> mixture;
};

// What is done before the first step or the first measurement, and how far it is.
struct Preparation {
  std::string what;         // "loading", "listing" files, "planning" memory and a device's kernels
  std::uint64_t done = 0;   // bytes of a file, images, paths through the network
  std::uint64_t total = 0;  // of them in all; 0: not known
};

struct TrainCallbacks {
  std::function<void(const std::string&)> log = {};         // one line of what is going on
  std::function<void(const TrainProgress&)> progress = {};  // after every step
  // Asked after every step, and while images are loaded, memory is planned and networks are tested; true:
  // save and return.
  std::function<bool()> should_stop = {};
  std::function<void(const Preparation&)> preparing = {};  // on the way to the first step, every 20 ms
};

struct TrainResult {
  std::string run_directory;
  std::int64_t steps = 0;               // done, over all epochs and resumptions
  bool interrupted = false;             // should_stop said so; the run can be resumed, if it has made a step
  double loss = 0.0;                    // mean of the last epoch
  double images_per_s = 0.0;            // of this process, start-up excluded
  std::uint64_t step_memory_bytes = 0;  // most that any step of this process needed; never more than planned
  double data_wait_share = 0.0;         // of the time since start-up: spent waiting for the next batch, 0..1
  // Of the last evaluation, 0..1, and the best over the run; with EvalConfig::spec.
  bool evaluated = false;
  double top1 = 0.0, top5 = 0.0, best_top1 = 0.0;
  double test_loss = 0.0;
  std::string profile;   // with RunConfig::profile: tables of where the time went
  std::string genotype;  // that a differentiable search favours; also in genotype.txt of the run directory
};

// The published recipe of a space, by the name that --space gives it.
// Errors: usage for another.
RLNAS_API TrainConfig default_train_config(const std::string& space);

// That of a differentiable search in a space. Errors: usage for a space that has none.
RLNAS_API TrainConfig default_mixture_config(const std::string& space, TrainMethod method);

// The published recipe for training one found architecture of a space from scratch, to be put into `arch`.
// darts-cifar has the DARTS family's, nasbench201 the benchmark's. Errors: usage for another space.
RLNAS_API TrainConfig default_retrain_config(const std::string& space);

RLNAS_API TrainResult train(const TrainConfig& config, const TrainCallbacks& callbacks = {});

// What train() would do, without doing it.
struct TrainPlan {
  // A part of the network, as the largest path runs it.
  struct Stage {
    std::string name;
    int height = 0, width = 0, channels = 0;  // of its output
    std::int64_t parameters = 0;              // of all candidates
    std::int64_t macs = 0;                    // multiply-accumulates for one image
    std::uint64_t written_bytes = 0;          // results of its convolutions, pools and sums for one image
  };
  std::string device;
  std::int64_t images = 0;
  int classes = 0;
  int steps_per_epoch = 0;
  std::int64_t steps = 0;
  std::int64_t parameters = 0;
  double train_gflop_per_step = 0.0;     // of the largest path
  std::uint64_t step_memory_bytes = 0;   // activations, gradients and scratch of the largest path
  std::uint64_t fixed_memory_bytes = 0;  // weights, momentum, statistics, tables
  std::uint64_t data_memory_bytes = 0;
  std::vector<Stage> stages;
  std::vector<std::string> calls;  // one line for each primitive of the forward pass of the largest path
};
// Of the callbacks log, should_stop and preparing are used. Errors: also interrupted, when should_stop
// says so.
RLNAS_API TrainPlan plan_training(const TrainConfig& config, const TrainCallbacks& callbacks = {});

}  // namespace rlnas
