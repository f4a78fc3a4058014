// The primitives: what the engine asks a device to compute, each a struct of the problem and its operands.
//
// Pointers are device pointers, const where a primitive reads; what it writes is overwritten unless a Store
// says otherwise. Elements are float unless the type says so (values.hpp). Layouts and letters: see spec.hpp.
// `kName` and cost() are what a dry run writes down and a profiler sets time against.
//
// A new primitive is a struct in one of the two headers and its line in the table here, its cost() in
// primitives.cpp, a run() in ref/, cpu/ and cuda/, and a case in tests/kernels/case_table.h.
#pragma once

#include "rlnas/network_primitives.hpp"
#include "rlnas/weight_primitives.hpp"

// X(Primitive) for each of them. Those that every backend computes by itself:
#define RLNAS_SINGLE_PRIMITIVES(X) \
  X(ConvForward)                   \
  X(ConvBackwardData)              \
  X(ConvBackwardWeights)           \
  X(BatchNormStatistics)           \
  X(BatchNormBackward)             \
  X(BatchNormInference)            \
  X(AffineSum)                     \
  X(ActivationBackward)            \
  X(Add)                           \
  X(Fill)                          \
  X(ScaleRows)                     \
  X(ChannelDots)                   \
  X(CopyChannels)                  \
  X(ShuffleChannels)               \
  X(SubsampleForward)              \
  X(SubsampleBackward)             \
  X(AvgPoolForward)                \
  X(AvgPoolBackward)               \
  X(MaxPoolForward)                \
  X(MaxPoolBackward)               \
  X(GlobalAvgPoolForward)          \
  X(GlobalAvgPoolBackward)         \
  X(LinearForward)                 \
  X(LinearBackwardData)            \
  X(LinearBackwardWeights)         \
  X(CrossEntropy)                  \
  X(TakeGradientNorm)              \
  X(SgdStep)                       \
  X(TakeAngleSums)                 \
  X(RoundWeights)                  \
  X(AugmentImages)
// Those made of others (conv_norm.cpp), which a backend may compute in one to save passes over memory:
#define RLNAS_COMPOSED_PRIMITIVES(X) X(ConvNormForward) X(ConvNormBackward)
#define RLNAS_PRIMITIVES(X) RLNAS_SINGLE_PRIMITIVES(X) RLNAS_COMPOSED_PRIMITIVES(X)
