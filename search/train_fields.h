// The fields of TrainConfig, all groups in one list: their names as flags and config keys, what they mean,
// and whether a resumed run has to keep them. The command line, run.json and the check at resumption all walk
// this list; choices (enums) are written there by their words (kernels/words.h).
#pragma once

#include "data/dataset.h"
#include "rlnas/train.hpp"
#include "search/spaces.h"

namespace rlnas {

enum class OnResume {
  keep,   // changing it would change the result: refused
  free_,  // where and how the run goes on
};

// The groups of TrainConfig, which --help is divided by.
enum class TrainGroup { network, data, labels, recipe, eval, run, device };

struct TrainField {
  const char* name;  // as a flag and a key
  const char* help;
  OnResume on_resume;
  TrainGroup group;
};

inline const char* data_help() {
  static const std::string help = "training images: " + data_kinds();
  return help.c_str();
}

// Calls visit(TrainField, value) for every field.
template <class Config, class Visitor>
void visit_train_fields(Config& c, Visitor&& visit) {
  visit({"space", space_help(), OnResume::keep, TrainGroup::network}, c.network.space);
  visit({"arch",
         "trains this architecture of the space by itself instead of the SuperNet; the defaults are then the "
         "recipe of retraining",
         OnResume::keep, TrainGroup::network},
        c.network.arch);
  visit({"method",
         "single-path: a SuperNet (published RLNAS); pc-darts or darts: all candidates at once, weighted by "
         "what "
         "moves on a held-out half of the images",
         OnResume::keep, TrainGroup::network},
        c.mixture.method);
  visit({"data", data_help(), OnResume::keep, TrainGroup::data}, c.data.spec);
  visit({"out", "run directory to write", OnResume::free_, TrainGroup::run}, c.run.out);
  visit({"resume", "go on with a run: auto (the one in --out, if there is one) or its directory",
         OnResume::free_, TrainGroup::run},
        c.run.resume);
  visit({"labels", "random: drawn once per image; true: the data's own", OnResume::keep, TrainGroup::labels},
        c.labels.kind);
  visit({"label-seed", "seed of the random labels; -1: --seed", OnResume::keep, TrainGroup::labels},
        c.labels.seed);
  visit({"label-classes", "number of random classes; 0: as many as the data has", OnResume::keep,
         TrainGroup::labels},
        c.labels.classes);
  visit({"seed", "seed of initialisation, paths, order and augmentation", OnResume::keep, TrainGroup::recipe},
        c.recipe.seed);
  visit({"compat", "none, or megvii: labels and paths of the published code, bit for bit", OnResume::keep,
         TrainGroup::recipe},
        c.recipe.compat);
  visit({"sampling", "per-cell: every cell its own path (published); per-net: one path for all",
         OnResume::keep, TrainGroup::recipe},
        c.recipe.sampling);
  visit({"unsampled", "weights not sampled in a step: coast on decay and momentum (published), or freeze",
         OnResume::keep, TrainGroup::recipe},
        c.recipe.unsampled);
  visit({"epochs", "epochs of the run, which the learning rate is spread over", OnResume::keep,
         TrainGroup::recipe},
        c.recipe.epochs);
  visit({"begin",
         "of --method pc-darts and darts: the epoch, counted from 0, in which the candidates' weights begin "
         "to move",
         OnResume::keep, TrainGroup::recipe},
        c.mixture.begin);
  visit({"mixture-learning-rate", "of Adam, which moves the candidates' weights", OnResume::keep,
         TrainGroup::recipe},
        c.mixture.learning_rate);
  visit({"mixture-weight-decay", "likewise", OnResume::keep, TrainGroup::recipe}, c.mixture.weight_decay);
  visit({"steps", "stop after this many steps in all; 0: run all epochs", OnResume::free_, TrainGroup::run},
        c.run.steps);
  visit({"split", "of cifar10: half (the images NAS-Bench-201 trains on) or all", OnResume::keep,
         TrainGroup::data},
        c.data.split);
  visit(
      {"images", "train on the first so many images of the split; 0: all", OnResume::keep, TrainGroup::data},
      c.data.images);
  visit({"batch-size", "images per step, over all ranks; the last one of an epoch may have fewer",
         OnResume::keep, TrainGroup::recipe},
        c.recipe.batch_size);
  visit({"micro-batch",
         "images of a forward and backward pass, whose gradients add up to the batch's (batch norm sees each "
         "part by "
         "itself); 0: the whole batch",
         OnResume::keep, TrainGroup::recipe},
        c.recipe.micro_batch);
  visit({"initializer", "of the weights: pytorch, kaiming-fan-in or normal-fan-out", OnResume::keep,
         TrainGroup::recipe},
        c.recipe.initializer);
  visit({"schedule",
         "of the learning rate: cosine or cosine-ahead (per epoch), linear or linear-ahead (per step), "
         "darts-retrain",
         OnResume::keep, TrainGroup::recipe},
        c.recipe.schedule);
  visit({"learning-rate", "where the schedule begins", OnResume::keep, TrainGroup::recipe},
        c.recipe.learning_rate);
  visit({"min-learning-rate", "where cosine and linear end", OnResume::keep, TrainGroup::recipe},
        c.recipe.min_learning_rate);
  visit({"momentum", "of SGD", OnResume::keep, TrainGroup::recipe}, c.recipe.momentum);
  visit({"nesterov", "true or false", OnResume::keep, TrainGroup::recipe}, c.recipe.nesterov);
  visit({"weight-decay", "of the tensors named by --decay", OnResume::keep, TrainGroup::recipe},
        c.recipe.weight_decay);
  visit({"decay", "what decays: all, convolutions or convolutions-and-classifier", OnResume::keep,
         TrainGroup::recipe},
        c.recipe.decay);
  visit({"clip-norm", "largest L2 norm of the gradient; 0: not clipped", OnResume::keep, TrainGroup::recipe},
        c.recipe.clip_norm);
  visit({"clip-value", "largest magnitude of an element of the gradient; 0: not clipped", OnResume::keep,
         TrainGroup::recipe},
        c.recipe.clip_value);
  visit({"label-smoothing", "0..1", OnResume::keep, TrainGroup::recipe}, c.recipe.label_smoothing);
  visit({"augment", "random flip and crop: true or false", OnResume::keep, TrainGroup::data}, c.data.augment);
  visit({"crop",
         "of folder data: shift (all resized once and held in memory), or read as needed: area (published, "
         "ImageNet) or resized (torchvision's RandomResizedCrop)",
         OnResume::keep, TrainGroup::data},
        c.data.crop);
  visit({"data-threads", "that read and decode images; 0: all cores", OnResume::free_, TrainGroup::data},
        c.data.threads);
  visit({"cutout", "side of a square that is blanked in every training image; 0: none", OnResume::keep,
         TrainGroup::data},
        c.data.cutout);
  visit({"channels", "of a DARTS --arch or search in its first cells; 0: as published", OnResume::keep,
         TrainGroup::network},
        c.network.channels);
  visit({"cells", "of a DARTS --arch or search; 0: as published", OnResume::keep, TrainGroup::network},
        c.network.cells);
  visit({"auxiliary", "weight of the auxiliary loss of a DARTS --arch; 0: no auxiliary head", OnResume::keep,
         TrainGroup::network},
        c.network.auxiliary);
  visit({"drop-path",
         "of a DARTS --arch: probability that an edge is dropped, at the end; it grows from 0 by the epoch",
         OnResume::keep, TrainGroup::network},
        c.network.drop_path);
  visit({"dropout", "of a MobileNet --arch: probability of a zero before the classifier", OnResume::keep,
         TrainGroup::network},
        c.network.dropout);
  visit({"eval", "test set of --arch: its test images for cifar10, cifar100 and idx, or a folder",
         OnResume::free_, TrainGroup::eval},
        c.eval.spec);
  visit({"eval-every", "epochs between evaluations; 0: only at the end", OnResume::free_, TrainGroup::eval},
        c.eval.every);
  visit({"eval-only", "true: evaluate the run of --resume and stop", OnResume::free_, TrainGroup::eval},
        c.eval.only);
  visit({"image-size", "pixels, of folder and synthetic data", OnResume::keep, TrainGroup::data},
        c.data.image_size);
  visit({"strict-data", "true: an unreadable image file ends the run", OnResume::free_, TrainGroup::data},
        c.data.strict);
  visit({"device", "auto, cpu, cuda, cuda:N or ref", OnResume::free_, TrainGroup::device}, c.device.name);
  visit({"threads", "of the CPU backend; 0: all cores", OnResume::free_, TrainGroup::device},
        c.device.threads);
  visit({"conv-algorithm",
         "of the CPU backend: direct, winograd (3x3 convolutions, twice the rounding error), or auto: the "
         "faster",
         OnResume::keep, TrainGroup::device},
        c.device.conv_algorithm);
  visit({"precision",
         "of the CUDA backend: fp32, inputs of convolutions rounded to tf32, or bf16, which activations and "
         "their "
         "gradients are stored as too; weights, sums and the optimiser stay fp32",
         OnResume::keep, TrainGroup::device},
        c.device.precision);
  visit({"deterministic", "of the CUDA backend; false: cuDNN may add up in any order", OnResume::keep,
         TrainGroup::device},
        c.device.deterministic);
  visit({"cuda-graphs",
         "of the CUDA backend; true: stages that are alike from step to step are queued as graphs",
         OnResume::free_, TrainGroup::device},
        c.device.cuda_graphs);
  visit({"pointwise",
         "of the CUDA backend: whose kernels compute 1x1 convolutions of stride 1, cublas' or cudnn's",
         OnResume::keep, TrainGroup::device},
        c.device.pointwise);
  visit(
      {"norm-and-pool",
       "of the CUDA backend: own kernels for batch norm and pooling, or cudnn's for batch norm and averages",
       OnResume::keep, TrainGroup::device},
      c.device.norm_and_pool);
  visit({"plan-cache", "of the CUDA backend: directory that keeps cuDNN's plans between runs",
         OnResume::free_, TrainGroup::device},
        c.device.plan_cache);
  visit({"checkpoint-every", "also keep epoch_N.safetensors every so many epochs; 0: never", OnResume::free_,
         TrainGroup::run},
        c.run.checkpoint_every);
  visit({"save-every", "minutes between checkpoints within an epoch; 0: only at its end", OnResume::free_,
         TrainGroup::run},
        c.run.save_every_minutes);
  visit({"log-every", "steps between progress lines and step events", OnResume::free_, TrainGroup::run},
        c.run.log_every);
  visit({"tensorboard",
         "also write the events of the run as TensorBoard's into this directory, its own; a resumed run goes "
         "on there",
         OnResume::free_, TrainGroup::run},
        c.run.tensorboard);
  visit({"profile", "true: print where the time of a step goes, and write trace.json for chrome://tracing",
         OnResume::free_, TrainGroup::run},
        c.run.profile);
}

}  // namespace rlnas
