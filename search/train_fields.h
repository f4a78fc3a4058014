// The fields of TrainConfig, all groups in one list: their names as flags and config keys, what they mean,
// and whether a resumed run has to keep them. The command line, run.json and the check at resumption all walk
// this list; choices (enums) are written there by their words (kernels/words.h).
#pragma once

#include "data/dataset.h"
#include "rlnas/rlnas.hpp"
#include "search/spaces.h"

namespace rlnas {

enum class OnResume {
  keep,   // changing it would change the result: refused
  free_,  // where and how the run goes on
};

inline const char* data_help() {
  static const std::string help = "training images: " + data_kinds();
  return help.c_str();
}

// Calls visit(key, field, help, on_resume) for every field, in the order of --help.
template <class Config, class Visitor>
void visit_train_fields(Config& c, Visitor&& visit) {
  visit("space", c.network.space, space_help(), OnResume::keep);
  visit("arch", c.network.arch,
        "trains this architecture of the space by itself instead of the SuperNet; the defaults are then the "
        "recipe of retraining",
        OnResume::keep);
  visit("data", c.data.spec, data_help(), OnResume::keep);
  visit("out", c.run.out, "run directory to write", OnResume::free_);
  visit("resume", c.run.resume, "go on with a run: auto (the one in --out, if there is one) or its directory",
        OnResume::free_);
  visit("labels", c.labels.kind, "random: drawn once per image; true: the data's own", OnResume::keep);
  visit("label-seed", c.labels.seed, "seed of the random labels; -1: --seed", OnResume::keep);
  visit("label-classes", c.labels.classes, "number of random classes; 0: as many as the data has",
        OnResume::keep);
  visit("seed", c.recipe.seed, "seed of initialisation, paths, order and augmentation", OnResume::keep);
  visit("compat", c.recipe.compat, "none, or megvii: labels and paths of the published code, bit for bit",
        OnResume::keep);
  visit("sampling", c.recipe.sampling,
        "per-cell: every cell its own path (published); per-net: one path for all", OnResume::keep);
  visit("unsampled", c.recipe.unsampled,
        "weights not sampled in a step: coast on decay and momentum (published), or freeze", OnResume::keep);
  visit("epochs", c.recipe.epochs, "epochs of the run, which the learning rate is spread over",
        OnResume::keep);
  visit("steps", c.run.steps, "stop after this many steps in all; 0: run all epochs", OnResume::free_);
  visit("split", c.data.split, "of cifar10: half (the images NAS-Bench-201 trains on) or all",
        OnResume::keep);
  visit("images", c.data.images, "train on the first so many images of the split; 0: all", OnResume::keep);
  visit("batch-size", c.recipe.batch_size,
        "images per step, over all ranks; the last one of an epoch may have fewer", OnResume::keep);
  visit("micro-batch", c.recipe.micro_batch,
        "images of a forward and backward pass, whose gradients add up to the batch's (batch norm sees each "
        "part by "
        "itself); 0: the whole batch",
        OnResume::keep);
  visit("initializer", c.recipe.initializer, "of the weights: pytorch, kaiming-fan-in or normal-fan-out",
        OnResume::keep);
  visit("schedule", c.recipe.schedule,
        "of the learning rate: cosine or cosine-ahead (per epoch), linear or linear-ahead (per step), "
        "darts-retrain",
        OnResume::keep);
  visit("learning-rate", c.recipe.learning_rate, "where the schedule begins", OnResume::keep);
  visit("min-learning-rate", c.recipe.min_learning_rate, "where cosine and linear end", OnResume::keep);
  visit("momentum", c.recipe.momentum, "of SGD", OnResume::keep);
  visit("nesterov", c.recipe.nesterov, "true or false", OnResume::keep);
  visit("weight-decay", c.recipe.weight_decay, "of the tensors named by --decay", OnResume::keep);
  visit("decay", c.recipe.decay, "what decays: all, convolutions or convolutions-and-classifier",
        OnResume::keep);
  visit("clip-norm", c.recipe.clip_norm, "largest L2 norm of the gradient; 0: not clipped", OnResume::keep);
  visit("clip-value", c.recipe.clip_value, "largest magnitude of an element of the gradient; 0: not clipped",
        OnResume::keep);
  visit("label-smoothing", c.recipe.label_smoothing, "0..1", OnResume::keep);
  visit("augment", c.data.augment, "random flip and crop: true or false", OnResume::keep);
  visit("crop", c.data.crop,
        "of folder data: shift (all resized once and held in memory), or read as needed: area (published, "
        "ImageNet) or resized (torchvision's RandomResizedCrop)",
        OnResume::keep);
  visit("data-threads", c.data.threads, "that read and decode images; 0: all cores", OnResume::free_);
  visit("cutout", c.data.cutout, "side of a square that is blanked in every training image; 0: none",
        OnResume::keep);
  visit("channels", c.network.channels, "of a DARTS --arch in its first cells; 0: as published",
        OnResume::keep);
  visit("cells", c.network.cells, "of a DARTS --arch; 0: as published", OnResume::keep);
  visit("auxiliary", c.network.auxiliary,
        "weight of the auxiliary loss of a DARTS --arch; 0: no auxiliary head", OnResume::keep);
  visit("drop-path", c.network.drop_path,
        "of a DARTS --arch: probability that an edge is dropped, at the end; it grows from 0 by the epoch",
        OnResume::keep);
  visit("dropout", c.network.dropout, "of a MobileNet --arch: probability of a zero before the classifier",
        OnResume::keep);
  visit("eval", c.eval.spec, "test set of --arch: its test images for cifar10, cifar100 and idx, or a folder",
        OnResume::free_);
  visit("eval-every", c.eval.every, "epochs between evaluations; 0: only at the end", OnResume::free_);
  visit("eval-only", c.eval.only, "true: evaluate the run of --resume and stop", OnResume::free_);
  visit("image-size", c.data.image_size, "pixels, of folder and synthetic data", OnResume::keep);
  visit("strict-data", c.data.strict, "true: an unreadable image file ends the run", OnResume::free_);
  visit("device", c.device.name, "auto, cpu, cuda, cuda:N or ref", OnResume::free_);
  visit("threads", c.device.threads, "of the CPU backend; 0: all cores", OnResume::free_);
  visit("conv-algorithm", c.device.conv_algorithm,
        "of the CPU backend: direct, winograd (3x3 convolutions, twice the rounding error), or auto: the "
        "faster",
        OnResume::keep);
  visit("precision", c.device.precision,
        "of the CUDA backend: fp32, or inputs of convolutions rounded to tf32 or bf16, with fp32 weights",
        OnResume::keep);
  visit("deterministic", c.device.deterministic, "of the CUDA backend; false: cuDNN may add up in any order",
        OnResume::keep);
  visit("cuda-graphs", c.device.cuda_graphs,
        "of the CUDA backend; true: stages that are alike from step to step are queued as graphs",
        OnResume::free_);
  visit("norm-and-pool", c.device.norm_and_pool,
        "of the CUDA backend: own kernels for batch norm and pooling, or cudnn's for batch norm and averages",
        OnResume::keep);
  visit("plan-cache", c.device.plan_cache,
        "of the CUDA backend: directory that keeps cuDNN's plans between runs", OnResume::free_);
  visit("checkpoint-every", c.run.checkpoint_every,
        "also keep epoch_N.safetensors every so many epochs; 0: never", OnResume::free_);
  visit("save-every", c.run.save_every_minutes,
        "minutes between checkpoints within an epoch; 0: only at its end", OnResume::free_);
  visit("log-every", c.run.log_every, "steps between progress lines and step events", OnResume::free_);
  visit("profile", c.run.profile,
        "true: print where the time of a step goes, and write trace.json for chrome://tracing",
        OnResume::free_);
}

}  // namespace rlnas
