// What the settings of a run choose between. Declared here, below everything, so that the public header and
// the layers that act on a choice share it; kernels/words.h has the words they are written in.
#pragma once

namespace rlnas {

// Whose behaviour to follow where the published code has quirks.
enum class Compat {
  none,    // this engine's own, corrected behaviour
  megvii,  // the published code, draw for draw, quirks included (method.md 13, 15.5, 15.6)
};

// What a network is trained to tell.
enum class LabelKind {
  random,     // labels drawn once per image
  from_data,  // the data's own; their word is "true"
};

// Of cifar10: which of its training images.
enum class CifarSplit {
  half,  // the 25,000 that NAS-Bench-201 trains on
  all,
};

// How the training images of folder data are cropped.
enum class TrainingCrop {
  shift,    // all are resized to image_size once and held in memory
  area,     // read as needed, a square of 8 % to 100 % of the area, PCA lighting: published, ImageNet
  resized,  // read as needed, torchvision's RandomResizedCrop, ImageNet's mean and deviation
};

// How many paths of the SuperNet a step trains.
enum class PathSampling {
  per_cell,  // every cell its own: NAS-Bench-201 as published
  per_net,   // one for the whole network
};

// How a network that holds all candidates is trained.
enum class TrainMethod {
  single_path,  // a sampled path a step: a SuperNet
  darts,        // all candidates at once, weighted by what moves on held-out images (Liu et al., ICLR 2019)
  pc_darts,     // the same on a quarter of the channels, with weighted edges (Xu et al., ICLR 2020)
};

// What happens to weights that were not sampled in a step (method.md 2.3).
enum class Unsampled {
  coast,   // published behaviour: decay and momentum go on from the first time they were sampled
  freeze,  // SPOS and ABS: nothing happens
};

// How a network's weights begin; batch norm always at gamma 1, beta 0. fan_in: inputs of one output.
enum class Initializer {
  pytorch,         // PyTorch's defaults: weights and biases U(-1/sqrt(fan_in), 1/sqrt(fan_in))
  kaiming_fan_in,  // convolutions U(+-sqrt(6/fan_in)); classifier N(0, 0.01), bias 0: DARTS on ImageNet
  normal_fan_out,  // convolutions N(0, sqrt(2/(kernel^2 out_channels))), the rest as pytorch: MobileNet
};

// Of the learning rate.
enum class Schedule {
  cosine,         // of epoch / epochs, constant inside an epoch: NAS-Bench-201
  cosine_ahead,   // of (epoch + 1) / epochs: the DARTS code steps its scheduler before the epoch
  linear,         // falls with every step, to the minimum after all full batches of all epochs
  linear_ahead,   // the same a step early: the MobileNet code steps its scheduler before the optimiser
  darts_retrain,  // falls with every epoch, the last five at a fifth of the pace, the first five scaled up
};

// Which tensors decay.
enum class Decay { all, convolutions, convolutions_and_classifier };

// How the CPU computes 3x3 convolutions of stride 1. Winograd multiplies a quarter as often; its results
// differ from direct sums by rounding (about twice their error, see kernels/cpu/winograd.h). All three are
// functions of the problem: with `automatic` the last batch of an epoch, where it is a small one, goes the
// direct way.
enum class ConvAlgorithm {
  automatic,  // Winograd where it is known to be faster (winograd_gains in kernels/cpu/winograd_conv.h)
  direct,
  winograd,  // wherever there is Winograd code, faster or not
};

// How convolutions and the classifier multiply on a CUDA device, and what activations and their gradients are
// stored as. Weights, statistics, the optimiser's state and all sums are floats in each of them.
enum class Precision {
  fp32,  // plain fused multiply-adds; floats
  tf32,  // tensor cores, inputs rounded to 10 bits of mantissa; floats
  bf16,  // tensor cores, inputs rounded to 7 bits; bfloat16 (floats with NormAndPool::cudnn)
};

// Whose kernels compute the 1x1 convolutions of stride 1 on a CUDA device, which are matrix products.
enum class Pointwise {
  cublas,  // as they lie in memory, in every precision
  cudnn,   // as any other convolution
};

// Whose kernels normalise and pool on a CUDA device. cuDNN compiles its own at run time, 0.5 to 2 s a shape
// (docs/cudnn_plans.md).
enum class NormAndPool {
  own,
  cudnn,  // batch norm and average pooling, as far as cuda/norm_pool_plans.h says
};

}  // namespace rlnas
