// Sanity checks of problem descriptions and workspaces, shared by the backends: a wrong spec ends in one
// clear line instead of in a stray write.
#pragma once

#include <cstddef>

#include "kernels/backend.h"

namespace rlnas {

// Errors: run_failed when the spec describes no convolution.
inline void check_spec(const ConvSpec& spec) {
  RLNAS_CHECK(spec.batch > 0 && spec.in_height > 0 && spec.in_width > 0 && spec.in_channels > 0 &&
                  spec.out_channels > 0 && spec.kernel > 0 && spec.stride > 0 && spec.dilation > 0 &&
                  spec.padding >= 0 && spec.groups > 0,
              run_failed, "convolution: a size in its spec is not positive");
  RLNAS_CHECK(spec.in_channels % spec.groups == 0 && spec.out_channels % spec.groups == 0, run_failed,
              "convolution: ", spec.in_channels, " -> ", spec.out_channels, " channels cannot be split into ",
              spec.groups, " groups");
  const int reach = spec.dilation * (spec.kernel - 1) + 1;
  RLNAS_CHECK(spec.in_height + 2 * spec.padding >= reach && spec.in_width + 2 * spec.padding >= reach,
              run_failed, "convolution: a filter of reach ", reach, " does not fit an image of ",
              spec.in_height, "x", spec.in_width, " with padding ", spec.padding);
}

inline void check_spec(const ConvNormSpec& spec) {
  check_spec(spec.conv);
}

// Errors: run_failed when the spec describes no pooling, or one whose windows can be empty.
inline void check_spec(const PoolSpec& spec) {
  RLNAS_CHECK(
      spec.batch > 0 && spec.in_height > 0 && spec.in_width > 0 && spec.channels > 0 && spec.stride > 0 &&
          spec.kernel > 0 && spec.kernel <= 15 && spec.padding >= 0 && 2 * spec.padding <= spec.kernel,
      run_failed, "pooling: sizes must be positive, the kernel at most 15, the padding at most half of it");
  RLNAS_CHECK(
      spec.in_height + 2 * spec.padding >= spec.kernel && spec.in_width + 2 * spec.padding >= spec.kernel,
      run_failed, "pooling: a window of ", spec.kernel, " does not fit an image of ", spec.in_height, "x",
      spec.in_width, " with padding ", spec.padding);
}

// Errors: run_failed when the spec describes no matrix.
inline void check_spec(const BatchNormSpec& spec) {
  RLNAS_CHECK(spec.rows > 0 && spec.channels > 0, run_failed,
              "batch norm: a size in its spec is not positive");
}

// Errors: run_failed when the spec describes no range of channels.
inline void check_spec(const ChannelCopySpec& spec) {
  RLNAS_CHECK(spec.rows > 0 && spec.channels > 0 && spec.from_stride >= spec.channels &&
                  spec.to_stride >= spec.channels,
              run_failed, "channel copy: ", spec.channels, " channels of ", spec.rows, " rows of ",
              spec.from_stride, " floats into rows of ", spec.to_stride);
}

// Errors: run_failed when the channels cannot be split into the groups.
inline void check_spec(const ChannelShuffleSpec& spec) {
  RLNAS_CHECK(spec.rows > 0 && spec.channels > 0 && spec.groups > 0 && spec.channels % spec.groups == 0,
              run_failed, "channel shuffle: ", spec.channels, " channels of ", spec.rows, " rows in ",
              spec.groups, " groups");
}

// Errors: run_failed when the spec picks no pixel.
inline void check_spec(const SubsampleSpec& spec) {
  RLNAS_CHECK(spec.batch > 0 && spec.channels > 0 && spec.stride > 0 && spec.offset >= 0 &&
                  spec.in_height > spec.offset && spec.in_width > spec.offset,
              run_failed, "subsampling: no pixel of an image of ", spec.in_height, "x", spec.in_width,
              " at stride ", spec.stride, " from ", spec.offset, " on");
}

// Errors: run_failed when the spec describes no matrix.
inline void check_spec(const RowScaleSpec& spec) {
  RLNAS_CHECK(spec.rows > 0 && spec.columns > 0, run_failed, "scaling of rows: a size is not positive");
}

// Errors: run_failed when the spec describes no sum.
inline void check_spec(const AffineSumSpec& spec) {
  RLNAS_CHECK(spec.rows > 0 && spec.channels > 0 && spec.term_count >= 0 &&
                  spec.term_count <= AffineSumSpec::kMaxTerms,
              run_failed, "affine sum: bad spec (", spec.rows, " rows, ", spec.channels, " channels, ",
              spec.term_count, " terms)");
  for (int t = 0; t < spec.term_count; ++t) {
    const AffineTerm& term = spec.terms[std::size_t(t)];
    RLNAS_CHECK(!term.averaged || (term.scale == nullptr && spec.height > 0 && spec.width > 0 &&
                                   spec.rows % (spec.height * spec.width) == 0),
                run_failed, "affine sum: an averaged term needs whole images and no scale");
  }
}

// Errors: run_failed when the spec describes no linear layer.
inline void check_spec(const LinearSpec& spec) {
  RLNAS_CHECK(spec.batch > 0 && spec.in_features > 0 && spec.out_features > 0, run_failed,
              "linear: a size in its spec is not positive");
}

// Errors: run_failed for a number of checkpoints that one call cannot take.
inline void check_checkpoints(const TakeAngleSums& call) {
  RLNAS_CHECK(call.checkpoint_count >= 1 && call.checkpoint_count <= TakeAngleSums::kMaxCheckpoints,
              run_failed, "angle sums: ", call.checkpoint_count, " checkpoints, one call takes 1 to ",
              TakeAngleSums::kMaxCheckpoints);
}

// Errors: run_failed when `workspace` is smaller than `bytes`.
inline void check_workspace(const char* primitive, const Workspace& workspace, std::size_t bytes) {
  RLNAS_CHECK(bytes == 0 || (workspace.data != nullptr && workspace.bytes >= bytes), run_failed, primitive,
              ": workspace of ", workspace.bytes, " bytes where ", bytes, " are needed");
}

}  // namespace rlnas
