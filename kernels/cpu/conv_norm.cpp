// Convolution with batch norm, a chunk of images at a time.
//
// Forward: a chunk's sums are taken right after its convolution, while its output is in cache. Backward: one
// pass over dz and y for the sums the gradient needs, then chunk by chunk the gradient of the convolution's
// output, which never leaves the cache, both convolution gradients, and the activation's mask on the way into
// dx. Against the primitives one after the other this saves nine of sixteen passes over memory.
//
// An input that is itself a norm's is made chunk by chunk too, or row by row in depthwise_norm.cpp, and the
// sums that its norm's gradient needs are taken of each chunk of dx: the tensor is never written, and the
// first pass of the next call falls away. What is noted of dx are these sums, add_gradient_moments of all
// rows as one chunk: doubles [2,C].
#include "kernels/cpu/batch_norm.h"
#include "kernels/cpu/conv_engine.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/elementwise.h"
#include "kernels/cpu/parallel.h"
#include "kernels/round_up.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

// Hands out parts of a workspace that start on page boundaries; with a null base it only counts.
class Carver {
 public:
  explicit Carver(void* base) : base_(static_cast<char*>(base)) {}

  template <class T = char>
  T* take(std::size_t count) {
    T* const part = base_ == nullptr ? nullptr : reinterpret_cast<T*>(base_ + bytes_);
    bytes_ += whole_pages(count * sizeof(T));
    return part;
  }
  std::size_t bytes() const { return bytes_; }

 private:
  char* base_;
  std::size_t bytes_ = 0;
};

struct Images {  // sizes of one image and of the chunks, as the code that runs them sees it
  explicit Images(const ConvSpec& spec)
      : chunks(spec),
        in_count(spec.in_count() / std::size_t(spec.batch)),
        out_count(spec.out_count() / std::size_t(spec.batch)),
        rows(std::int64_t(spec.out_height()) * spec.out_width()) {}

  RowChunks row_chunks() const { return {chunks.batch * rows, chunks.images * rows}; }
  RowChunks in_row_chunks(int channels) const {
    const std::int64_t in_rows = std::int64_t(in_count) / channels;
    return {chunks.batch * in_rows, chunks.images * in_rows};
  }

  ConvChunks chunks;
  std::size_t in_count, out_count;
  std::int64_t rows;  // of the image's output
};

// The convolutions of conv_norm. Where `fused` is not null it does the work, and they hold the weights.
struct ForwardPlan {
  ForwardPlan(ConvEngine& engine, const ConvNormSpec& spec)
      : fused(spec.normalises_input ? engine.depthwise_norm(spec.conv) : nullptr),
        conv(fused != nullptr ? fused->forward.get() : engine.chunked(spec.conv, ConvPass::forward)) {}

  bool in_chunks() const { return conv != nullptr; }

  const DepthwiseNorm* fused;
  const ChunkedConv* conv;
};

struct BackwardPlan {
  BackwardPlan(ConvEngine& engine, const ConvNormSpec& spec)
      : fused(spec.normalises_input ? engine.depthwise_norm(spec.conv) : nullptr),
        to_data(fused != nullptr ? fused->forward.get() : engine.chunked(spec.conv, ConvPass::backward_data)),
        to_weights(fused != nullptr ? fused->to_weights.get()
                                    : engine.chunked(spec.conv, ConvPass::backward_weights)) {}

  bool in_chunks() const { return to_data != nullptr && to_weights != nullptr; }

  const DepthwiseNorm* fused;
  const ChunkedConv *to_data, *to_weights;
};

// Nobody here leaves an activation to the gradient of a norm (Backend::gains_by_masking_once).
bool runs_in_chunks(const ConvNormBackward& call, const BackwardPlan& plan) {
  return plan.in_chunks() && call.z_activation == Activation::none;
}

struct ForwardParts {
  ForwardParts(void* base, const ConvNormSpec& spec, const ForwardPlan& plan, int threads)
      : images(plan.conv->spec),
        scratch_bytes(plan.fused != nullptr ? plan.fused->forward_scratch_bytes : plan.conv->scratch_bytes) {
    Carver carver(base);
    weights = carver.take(plan.conv->copies_bytes());
    scratch = carver.take(scratch_bytes * std::size_t(threads));
    sums = {images.row_chunks(), spec.conv.out_channels, nullptr};
    sums.sums = carver.take<double>(RowSums::bytes(sums.chunks, sums.channels) / sizeof(double));
    for (int t = 0; spec.normalises_input && plan.fused == nullptr && t < threads; ++t)
      x.push_back(carver.take<float>(std::size_t(images.chunks.images) * images.in_count));
    bytes = carver.bytes();
  }

  Images images;
  std::size_t scratch_bytes;
  char *weights, *scratch;
  RowSums sums;
  std::vector<float*> x;  // of each thread: one chunk, when it is made here
  std::size_t bytes;
};

struct BackwardParts {
  BackwardParts(void* base, const ConvNormSpec& spec, const BackwardPlan& plan, int threads)
      : images(plan.to_data->spec) {
    const ChunkedConv &to_data = *plan.to_data, &to_weights = *plan.to_weights;
    Carver carver(base);
    const int channels = spec.conv.out_channels;
    const std::size_t chunk_images = std::size_t(images.chunks.images);
    weights = carver.take(to_data.copies_bytes());
    dw_copies = carver.take(to_weights.copies_bytes());
    slope = carver.take<float>(std::size_t(channels));
    offset = carver.take<float>(std::size_t(channels));
    sums = {images.row_chunks(), channels, nullptr};
    sums.sums = carver.take<double>(RowSums::bytes(sums.chunks, channels) / sizeof(double));
    dx_sums = {images.in_row_chunks(spec.conv.in_channels), spec.conv.in_channels, nullptr};
    if (spec.normalises_input)
      dx_sums.sums = carver.take<double>(RowSums::bytes(dx_sums.chunks, dx_sums.channels) / sizeof(double));
    scratch_bytes = plan.fused != nullptr ? plan.fused->backward_scratch_bytes
                                          : std::max(to_data.scratch_bytes, to_weights.scratch_bytes);
    for (int t = 0; t < threads; ++t) {
      scratch.push_back(carver.take(scratch_bytes));
      if (plan.fused != nullptr) continue;
      dy.push_back(carver.take<float>(chunk_images * images.out_count));
      dx.push_back(carver.take<float>(chunk_images * images.in_count));
      if (spec.normalises_input) x.push_back(carver.take<float>(chunk_images * images.in_count));
    }
    bytes = carver.bytes();
  }

  Images images;
  char *weights, *dw_copies;
  float *slope, *offset;
  RowSums sums, dx_sums;
  std::size_t scratch_bytes;
  std::vector<float*> dy, dx, x;  // of each thread: one chunk; x when it is made here
  std::vector<char*> scratch;
  std::size_t bytes;
};

// All rows of a tensor as one chunk, whose sums a note has.
template <class Double>
RowSumsOf<Double> noted_sums(std::size_t count, int channels, Double* note) {
  const std::int64_t rows = std::int64_t(count) / channels;
  return {{rows, rows}, channels, note};
}

// The convolution's input for some images from element `at` on; `made`: the thread's, one chunk.
template <class ConvNorm>
const float* input(const ConvNorm& call, std::size_t at, std::size_t count, const std::vector<float*>& made,
                   int thread) {
  const ConvNormSpec& spec = call.spec;
  if (!spec.normalises_input) return call.x + at;
  float* const x = made[std::size_t(thread)];
  apply_norm(call.x_activation, std::int64_t(count) / spec.conv.in_channels, spec.conv.in_channels,
             call.x + at, call.x_norm, x);
  return x;
}

}  // namespace

std::size_t CpuBackend::workspace_bytes(const ConvNormForward& call) {
  const ForwardPlan plan(*conv_, call.spec);
  return plan.in_chunks() ? ForwardParts(nullptr, call.spec, plan, threads_).bytes
                          : Backend::workspace_bytes(call);
}

std::size_t CpuBackend::workspace_bytes(const ConvNormBackward& call) {
  const BackwardPlan plan(*conv_, call.spec);
  return runs_in_chunks(call, plan) ? BackwardParts(nullptr, call.spec, plan, threads_).bytes
                                    : Backend::workspace_bytes(call);
}

std::size_t CpuBackend::note_bytes(const ConvNormBackward& call) const {
  if (!call.spec.normalises_input) return 0;
  const RowChunks one_chunk{1, 1};
  return RowSums::bytes(one_chunk, call.spec.conv.in_channels);
}

void CpuBackend::run(const ConvNormForward& call, Workspace workspace) {
  const ConvNormSpec& spec = call.spec;
  const ForwardPlan plan(*conv_, spec);
  if (!plan.in_chunks()) return Backend::run(call, workspace);
  const ForwardParts parts(workspace.data, spec, plan, threads_);
  check_workspace("convolution with batch norm", workspace, parts.bytes);
  const Images& images = parts.images;

  conv_->load_weights(*plan.conv, call.w, parts.weights);
  parallel_try(threads_, images.chunks.count(), [&](int thread, std::int64_t chunk) {
    const std::size_t first = std::size_t(images.chunks.first(int(chunk)));
    const int count = images.chunks.size(int(chunk));
    const std::size_t in_at = first * images.in_count;
    float* const y = call.y + first * images.out_count;
    char* const scratch = parts.scratch + std::size_t(thread) * parts.scratch_bytes;
    if (plan.fused != nullptr) {
      plan.fused->run_forward(count, {call.x + in_at, call.x_norm, call.x_activation}, parts.weights, y,
                              scratch);
    } else {
      const float* const x = input(call, in_at, std::size_t(count) * images.in_count, parts.x, thread);
      plan.conv->run_chunk({thread, int(chunk), scratch}, ForwardChunk{x, parts.weights, y});
    }
    add_moments(parts.sums, chunk, call.y);
  });
  finish_statistics(threads_, spec.norm(), parts.sums, call.y, call.gamma, call.beta, call.running_mean,
                    call.running_var, call.saved);
}

void CpuBackend::run(const ConvNormBackward& call, Workspace workspace) {
  const ConvNormSpec& spec = call.spec;
  const BackwardPlan plan(*conv_, spec);
  auto* const dx_note = static_cast<double*>(call.dx_note);
  if (!runs_in_chunks(call, plan)) {
    Backend::run(call, workspace);
    if (dx_note == nullptr) return;
    return add_gradient_moments(noted_sums(spec.conv.in_count(), spec.conv.in_channels, dx_note), 0, call.x,
                                call.dx, call.x_norm.mean);
  }
  const ChunkedConv *const to_data = plan.to_data, *const to_weights = plan.to_weights;
  const BackwardParts parts(workspace.data, spec, plan, threads_);
  check_workspace("convolution with batch norm", workspace, parts.bytes);
  const Images& images = parts.images;

  ConstRowSums sums = parts.sums;
  if (call.dz_note != nullptr)
    sums = noted_sums(spec.conv.out_count(), sums.channels, static_cast<const double*>(call.dz_note));
  else
    parallel_for(threads_, images.chunks.count(), [&](std::int64_t chunk) {
      add_gradient_moments(parts.sums, chunk, call.y, call.dz, call.saved.mean);
    });
  finish_gradient(threads_, spec.norm(), sums, call.saved, parts.slope, parts.offset, call.dgamma,
                  call.dbeta);

  if (call.dx != nullptr) conv_->load_weights(*to_data, call.w, parts.weights);
  const bool in_place = call.x_activation == Activation::none && call.store == Store::overwrite;
  // next_count: images of the thread's next chunk, which is the one behind; 0: another thread's, or none
  const auto run_chunk = [&](int thread, int chunk, void* dw_copy, int next_count) {
    const int count = images.chunks.size(chunk);
    const std::size_t first = std::size_t(images.chunks.first(chunk));
    const std::size_t out_at = first * images.out_count, in_at = first * images.in_count;
    char* const scratch = parts.scratch[std::size_t(thread)];
    if (plan.fused != nullptr)
      return plan.fused->run_backward(
          count, {call.x + in_at, call.x_norm, call.x_activation},
          {call.y + out_at, call.dz + out_at, call.saved, parts.slope, parts.offset}, parts.weights,
          to_weights->sums_of(chunk, dw_copy), call.dx != nullptr ? call.dx + in_at : nullptr, call.store,
          scratch);
    float* const dy = parts.dy[std::size_t(thread)];
    apply_gradient(count * images.rows, spec.conv.out_channels, call.y + out_at, call.dz + out_at, call.saved,
                   parts.slope, parts.offset, dy);
    const float* const x = input(call, in_at, std::size_t(count) * images.in_count, parts.x, thread);
    const auto next = [&](const float* tensor) {
      return FloatRange{tensor + out_at + std::size_t(count) * images.out_count,
                        std::size_t(next_count) * images.out_count};
    };
    if (call.dw != nullptr)
      to_weights->run_chunk({thread, chunk, scratch, next(call.y)}, BackwardWeightsChunk{x, dy, dw_copy});
    if (call.dx == nullptr) return;
    float* const dx = in_place ? static_cast<float*>(call.dx) + in_at : parts.dx[std::size_t(thread)];
    to_data->run_chunk({thread, chunk, scratch, next(call.dz)}, BackwardDataChunk{dy, parts.weights, dx});
    if (!in_place)
      pass_back(call.x_activation, std::size_t(count) * images.in_count, x, dx, call.dx + in_at, call.store);
  };
  parallel_try(threads_, to_weights->units(), [&](int thread, std::int64_t unit) {
    void* const dw_copy = to_weights->copy_of(parts.dw_copies, int(unit));
    const int end = to_weights->unit_end(int(unit));
    for (int chunk = to_weights->unit_begin(int(unit)); chunk < end; ++chunk) {
      run_chunk(thread, chunk, dw_copy, chunk + 1 < end ? images.chunks.size(chunk + 1) : 0);
      if (dx_note != nullptr)  // while dx is in cache
        add_gradient_moments(parts.dx_sums, chunk, call.x, call.dx, call.x_norm.mean);
    }
  });
  if (call.dw != nullptr) conv_->sum_weights(*to_weights, parts.dw_copies, call.dw);
  if (dx_note != nullptr) add_up(threads_, parts.dx_sums, dx_note);
}

}  // namespace rlnas
