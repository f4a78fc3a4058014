// rlnas: neural architecture search with random labels, as a library. This header is all an embedder needs:
// standard types only. Every function throws rlnas::Error (rlnas/error.hpp) with one clear line.
//
//   rlnas::TrainConfig config;
//   config.data = "cifar10:/data/cifar-10-batches-bin";
//   config.out = "runs/a";
//   rlnas::train(config);
//   auto all = rlnas::nasbench201_angles("runs/a");      // 15,625 angles, enumeration order
//   auto some = rlnas::angles("runs/a", {"#1462"});      // of any space's run
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rlnas/error.hpp"

namespace rlnas {

RLNAS_API std::string version();  // "0.1.0 (git 1a2b3c4)"

// How a SuperNet is trained. The defaults are the published NAS-Bench-201 recipe (method.md 3.3);
// default_train_config() has those of the other spaces.
struct TrainConfig {
  std::string space = "nasbench201";
  std::string arch;    // empty: the SuperNet; otherwise one architecture of the space, by itself
  std::string data;    // cifar10:DIR, cifar100:DIR, imagenet16:FILE..., idx:DIR, folder:DIR, synthetic[:N]
  std::string out;     // run directory
  std::string resume;  // "", "auto" (go on when `out` holds a run) or a run directory
  std::string labels = "random";      // random | true
  std::int64_t label_seed = -1;       // -1: the seed
  int label_classes = 0;              // 0: as many as the data has
  std::uint64_t seed = 0;             // of initialisation, paths, order and augmentation
  std::string compat = "none";        // none | megvii: the published code's labels and paths, bit for bit
  std::string sampling = "per-cell";  // per-cell | per-net
  std::string unsampled = "coast";    // coast | freeze
  int epochs = 250;
  std::int64_t steps = 0;      // stop after so many in all; 0: run all epochs
  std::string split = "half";  // of cifar10: half (the 25,000 images NAS-Bench-201 trains on) | all
  std::int64_t images = 0;     // train on the first so many images of the split; 0: all
  int batch_size = 64;
  std::string initializer = "pytorch";  // pytorch | kaiming-fan-in | normal-fan-out
  std::string schedule = "cosine";      // cosine | cosine-ahead | linear | linear-ahead | darts-retrain
  double learning_rate = 0.025;
  double min_learning_rate = 0.001;
  double momentum = 0.9;
  bool nesterov = true;
  double weight_decay = 5e-4;
  std::string decay = "all";  // what decays: all | convolutions | convolutions-and-classifier
  double clip_norm = 0.0;     // largest L2 norm of the gradient; 0: not clipped
  double clip_value = 0.0;    // largest magnitude of an element of the gradient; 0: not clipped
  double label_smoothing = 0.0;
  // How the training images of folder data are cropped. shift: all are resized to image_size once and held in
  // memory. area: files are read as they are needed, a square of 8 % to 100 % of the image's area, PCA
  // lighting (published, ImageNet). resized: likewise, torchvision's RandomResizedCrop, ImageNet's mean and
  // deviation.
  std::string crop = "shift";
  int data_threads = 0;                 // that read and decode images; 0: all cores
  bool augment = true;                  // random flip and shifted crop
  int cutout = 0;                       // side of a square of each training image that is blanked; 0: none
  int channels = 0;                     // of a DARTS `arch` in its first cells; 0: as published
  int cells = 0;                        // of a DARTS `arch`; 0: as published
  double auxiliary = 0.0;               // weight of the auxiliary loss of a DARTS `arch`; 0: no such head
  double drop_path = 0.0;               // of a DARTS `arch`: probability at the end, grown from 0
  double dropout = 0.0;                 // of a MobileNet `arch`: before its classifier
  std::string eval;                     // test set of `arch`, as `data`; empty: none
  int eval_every = 1;                   // epochs between evaluations; 0: only at the end
  bool eval_only = false;               // evaluate the run in `resume` and return
  int image_size = 32;                  // of folder and synthetic data
  bool strict_data = false;             // an unreadable image file is fatal
  std::string device = "auto";          // auto | cpu | cuda[:N] | ref
  int threads = 0;                      // of the CPU backend; 0: all cores
  std::string conv_algorithm = "auto";  // of the CPU backend; or direct, winograd
  std::string precision = "fp32";       // of the CUDA backend; or tf32, bf16
  bool deterministic = true;            // of the CUDA backend
  bool cuda_graphs = false;             // of the CUDA backend
  std::string norm_and_pool = "own";    // of the CUDA backend: whose kernels; or cudnn
  std::string plan_cache;               // of the CUDA backend: directory; empty: none
  int checkpoint_every = 0;             // also keep epoch_N.safetensors every so many epochs; 0: never
  double save_every_minutes = 10.0;     // between checkpoints within an epoch; 0: only at its end
  int log_every = 50;                   // steps between step events
  bool profile = false;                 // time every operation; the report is in TrainResult
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
};

struct TrainCallbacks {
  std::function<void(const std::string&)> log;         // one line of what is going on
  std::function<void(const TrainProgress&)> progress;  // after every step
  std::function<bool()> should_stop;                   // polled after every step; true: save and return
};

struct TrainResult {
  std::string run_directory;
  std::int64_t steps = 0;               // done, over all epochs and resumptions
  bool interrupted = false;             // should_stop said so; the run can be resumed
  double loss = 0.0;                    // mean of the last epoch
  double images_per_s = 0.0;            // of this process, start-up excluded
  std::uint64_t step_memory_bytes = 0;  // most that any step of this process needed; never more than planned
  double data_wait_share = 0.0;         // of the time since start-up: spent waiting for the next batch, 0..1
  // Of the last evaluation, 0..1, and the best over the run; with TrainConfig::eval.
  bool evaluated = false;
  double top1 = 0.0, top5 = 0.0, best_top1 = 0.0;
  double test_loss = 0.0;
  std::string profile;  // with TrainConfig::profile: tables of where the time went
};

// The published recipe of a space: nasbench201, darts-cifar, darts-imagenet or mobilenet.
// Errors: usage for another.
RLNAS_API TrainConfig default_train_config(const std::string& space);

// The published recipe for training one found architecture of a space from scratch, to be put into `arch`.
// darts-cifar has the DARTS family's, nasbench201 the benchmark's. Errors: usage for another space.
RLNAS_API TrainConfig default_retrain_config(const std::string& space);

RLNAS_API TrainResult train(const TrainConfig& config, const TrainCallbacks& callbacks = {});

// What train() would do, without doing it.
struct TrainPlan {
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
  std::vector<std::string> network;  // one line for each primitive of the forward pass of the largest path
};
RLNAS_API TrainPlan plan_training(const TrainConfig& config);

// The angles of architectures, in radians, of the SuperNet in a run directory (one that holds
// init.safetensors and latest.safetensors), whatever its space: NAS-Bench-201 strings, DARTS genotypes as in
// genotypes.py, MobileNet operation lists ("2 0 -1 2 | ..."). Errors: usage for a text that is no
// architecture of the space, saying at which character; data for the files.
RLNAS_API std::vector<double> angles(const std::string& run_directory,
                                     const std::vector<std::string>& architectures);

// ---- NAS-Bench-201
// -------------------------------------------------------------------------------------------

// The angle of every architecture, in radians, in enumeration order (base-5 number of the six operations).
// run_directory: one that holds init.safetensors and latest.safetensors.
RLNAS_API std::vector<double> nasbench201_angles(const std::string& run_directory);

struct Nasbench201Architecture {
  std::string arch;  // "|nor_conv_3x3~0|+|..."
  int index = 0;     // of the benchmark's tables
  int enumeration_index = 0;
  std::int64_t macs = 0;
  std::int64_t params = 0;
  int live_paths = 0;
  std::array<int, 6> multiplicity{};  // in edge order 1<-0, 2<-0, 2<-1, 3<-0, 3<-1, 3<-2
  std::int64_t angle_vector_length = 0;
};
// `text`: an architecture string, N or #N (benchmark index), enum:N.
RLNAS_API Nasbench201Architecture nasbench201_architecture(const std::string& text, int classes = 10,
                                                           int image_size = 32);

}  // namespace rlnas
