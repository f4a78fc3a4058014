#include "kernels/cpu/conv_engine.h"

#include "kernels/cpu/depthwise_conv.h"
#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/pointwise_conv.h"
#include "kernels/cpu/vec.h"
#include "kernels/cpu/winograd_conv.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

// Where oneDNN has generated code for a depthwise filter and ours is faster over DARTS' and MobileNet's
// shapes. Measured by `rlnas_bench_depthwise --benchmark_filter=in_turns`, oneDNN's time over ours; a rule
// for each width of vectors, for with half the registers oneDNN is the better one oftener. A constant of the
// build and a function of the problem: no timing of the machine at hand can be seen in a result.

// Two Zen 4 cores: 1.0 to 2.4 for the filters of five and seven at stride 1, 1.0 to 2.1 for the data gradient
// at stride 2, 1.2 to 1.4 forward at stride 2 where tiles are full, 1.3 to 1.6 for 3x3 filters over images
// that no cache holds; 0.4 to 1.0 for all other 3x3 passes.
bool beats_onednn_avx512(const ConvSpec& spec, ConvPass pass, std::size_t image_bytes) {
  if (spec.stride == 2)
    return pass == ConvPass::backward_data ||
           (pass == ConvPass::forward && spec.kernel == 5 && spec.out_width() % 8 == 0);
  constexpr std::size_t kCached = 1024 * 1024;
  return spec.kernel >= 5 || (pass != ConvPass::backward_weights && image_bytes > kCached);
}

// Zen cores with AVX2, one thread: 1.1 to 2.6 for the data gradient of five and seven at stride 1 and 0.8 to
// 2.5 at stride 2 (DARTS on CIFAR: 1.7 to 2.5); forward 0.7 to 1.0 for five and seven over images of 256 KiB
// and less and 1.0 to 1.5 over larger ones, at stride 2 0.4 to 1.0 and 1.0 to 1.4 from 1 MiB on; 3x3 filters
// at stride 1 0.7 to 2.0, mostly above 1, over images from 1 MiB on, 0.5 to 1.1 over smaller ones.
bool beats_onednn_avx2(const ConvSpec& spec, ConvPass pass, std::size_t image_bytes) {
  constexpr std::size_t kSmall = 256 * 1024, kCached = 1024 * 1024;
  if (pass == ConvPass::backward_data && (spec.stride == 2 || spec.kernel >= 5)) return true;
  if (spec.stride == 2) return spec.kernel >= 5 && image_bytes > kCached;
  return image_bytes > (spec.kernel >= 5 ? kSmall : kCached);
}

bool depthwise_beats_onednn(const ConvSpec& spec, ConvPass pass) {
  if (spec.dilation > 1) return false;
  const std::size_t image_bytes = spec.in_count() / std::size_t(spec.batch) * sizeof(float);
  if constexpr (kWidth<WideFloat> == 16)
    return beats_onednn_avx512(spec, pass, image_bytes);
  else
    return beats_onednn_avx2(spec, pass, image_bytes);
}

}  // namespace

ConvEngine::ConvEngine(int threads, ConvAlgorithm algorithm)
    : threads_(threads), algorithm_(algorithm), onednn_(threads) {}

const ChunkedConv* ConvEngine::chunked(const ConvSpec& spec, ConvPass pass) {
  const std::lock_guard lock(mutex_);
  const auto [slot, added] = plans_.try_emplace(ConvProblem{spec, pass});
  if (added) {
    try {
      check_spec(spec);
      const bool by_winograd = algorithm_ == ConvAlgorithm::winograd ||
                               (algorithm_ == ConvAlgorithm::automatic && winograd_gains(spec, pass));
      if (by_winograd) slot->second = make_winograd_conv(spec, pass);
      if (!slot->second) slot->second = make_pointwise_conv(spec, pass);
      if (!slot->second && depthwise_beats_onednn(spec, pass)) slot->second = make_depthwise_conv(spec, pass);
      if (!slot->second) slot->second = onednn_.make_conv(spec, pass);
      if (!slot->second) slot->second = make_depthwise_conv(spec, pass);
    } catch (...) {
      plans_.erase(slot);
      throw;
    }
  }
  return slot->second.get();
}

const DepthwiseNorm* ConvEngine::depthwise_norm(const ConvSpec& spec) {
  check_spec(spec);
  const std::lock_guard lock(mutex_);
  const auto [slot, added] = norm_plans_.try_emplace(ConvProblem{spec, ConvPass::forward});
  if (added) slot->second = make_depthwise_norm(spec);
  return slot->second.get();
}

std::size_t ConvEngine::workspace_bytes(const ConvSpec& spec, ConvPass pass) {
  const ChunkedConv* const conv = chunked(spec, pass);
  return conv != nullptr ? conv->workspace_bytes(threads_) : direct_conv_workspace_bytes(spec, pass);
}

void ConvEngine::load_weights(const ChunkedConv& conv, const float* w, void* loaded) const {
  parallel_try(threads_, conv.weight_parts(),
               [&](int, std::int64_t part) { conv.load_weights(int(part), w, loaded); });
}

void ConvEngine::sum_weights(const ChunkedConv& conv, void* copies, float* dw) const {
  const int units = conv.units();
  const auto store = [&](int, std::int64_t part) { conv.store_weights(int(part), copies, dw); };
  if (units == 1) return parallel_try(threads_, conv.weight_parts(), store);
  const std::int64_t count = std::int64_t(conv.weights_bytes / sizeof(float));
  float* const sum = static_cast<float*>(copies);
  parallel_ranges(threads_, count, items_per_block(std::int64_t(units * sizeof(float))),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (int unit = 1; unit < units; ++unit) {
                      const float* const copy = static_cast<const float*>(conv.copy_of(copies, unit));
                      for (std::int64_t i = begin; i < end; ++i) sum[i] += copy[i];
                    }
                  });
  parallel_try(threads_, conv.weight_parts(), store);
}

template <class TensorsOf>
void ConvEngine::run_chunks(const ChunkedConv& conv, void* weights, const TensorsOf& tensors_of) const {
  const std::size_t batch = std::size_t(conv.spec.batch);
  const std::size_t in_image = conv.spec.in_count() / batch, out_image = conv.spec.out_count() / batch;
  char* const scratch = static_cast<char*>(weights) + conv.copies_bytes();
  parallel_try(threads_, conv.units(), [&](int thread, std::int64_t unit) {
    for (int chunk = conv.unit_begin(int(unit)); chunk < conv.unit_end(int(unit)); ++chunk) {
      const std::size_t first = std::size_t(conv.chunks.first(chunk));
      conv.run_chunk({thread, chunk, scratch + std::size_t(thread) * conv.scratch_bytes},
                     tensors_of(first * in_image, first * out_image, conv.copy_of(weights, int(unit))));
    }
  });
}

void ConvEngine::forward(const ConvSpec& spec, const float* x, const float* w, float* y,
                         Workspace workspace) {
  const ChunkedConv* const conv = chunked(spec, ConvPass::forward);
  if (conv == nullptr) return direct_conv_forward(threads_, spec, x, w, y, workspace);
  check_workspace("convolution", workspace, conv->workspace_bytes(threads_));
  load_weights(*conv, w, workspace.data);
  run_chunks(*conv, workspace.data, [&](std::size_t in_at, std::size_t out_at, const void* weights) {
    return ForwardChunk{x + in_at, weights, y + out_at};
  });
}

void ConvEngine::backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx,
                               Workspace workspace) {
  const ChunkedConv* const conv = chunked(spec, ConvPass::backward_data);
  if (conv == nullptr) return direct_conv_backward_data(threads_, spec, dy, w, dx, workspace);
  check_workspace("convolution", workspace, conv->workspace_bytes(threads_));
  load_weights(*conv, w, workspace.data);
  run_chunks(*conv, workspace.data, [&](std::size_t in_at, std::size_t out_at, const void* weights) {
    return BackwardDataChunk{dy + out_at, weights, dx + in_at};
  });
}

void ConvEngine::backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                                  Workspace workspace) {
  const ChunkedConv* const conv = chunked(spec, ConvPass::backward_weights);
  if (conv == nullptr) return direct_conv_backward_weights(threads_, spec, x, dy, dw, workspace);
  check_workspace("convolution", workspace, conv->workspace_bytes(threads_));
  run_chunks(*conv, workspace.data, [&](std::size_t in_at, std::size_t out_at, void* copy) {
    return BackwardWeightsChunk{x + in_at, dy + out_at, copy};
  });
  sum_weights(*conv, workspace.data, dw);
}

const char* ConvEngine::implementation(const ConvSpec& spec, ConvPass pass) {
  const ChunkedConv* const conv = chunked(spec, pass);
  return conv != nullptr ? conv->implementation() : "rlnas:direct";
}

}  // namespace rlnas
