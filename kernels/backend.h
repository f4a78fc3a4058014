// The interface between the engine and a device: memory, and about thirty primitives on raw device pointers.
//
// Every primitive is asynchronous on the backend's one compute stream (a CPU backend finishes before it
// returns), allocates nothing, and takes its scratch memory from the caller as a Workspace. All pointers are
// device pointers; specs are passed by value. Element type is float unless the name says otherwise.
// Layouts and letters: see spec.h. Twins: ref/ (double loops, the oracle), cpu/, no_cuda/, dry/ (records
// calls).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "kernels/check.h"
#include "kernels/spec.h"
#include "rlnas/choices.hpp"

namespace rlnas {

struct Workspace {
  void* data = nullptr;
  std::size_t bytes = 0;
};

// Per-channel results of a batch-norm forward pass: four device arrays of C floats, one after the other.
struct BatchNormSaved {
  float* mean = nullptr;
  float* inv_std = nullptr;
  float* scale = nullptr;  // gamma * inv_std
  float* shift = nullptr;  // beta - mean * scale

  static BatchNormSaved at(float* base, int channels) {
    return {base, base + channels, base + 2 * channels, base + 3 * channels};
  }
};

// Operands of conv_norm_forward; shapes as in conv_forward and batch_norm_statistics.
struct ConvNormForward {
  const float* x = nullptr;
  BatchNormSaved x_norm = {};                  // of x, when the spec normalises it; else unused
  Activation x_activation = Activation::none;  // likewise
  const float* w = nullptr;
  float* y = nullptr;            // the convolution's output, not normalised
  const float* gamma = nullptr;  // or null
  const float* beta = nullptr;   // or null
  float* running_mean = nullptr;
  float* running_var = nullptr;
  BatchNormSaved saved;
};

// Operands of conv_norm_backward.
struct ConvNormBackward {
  const float* x = nullptr;
  BatchNormSaved x_norm = {};  // as in ConvNormForward
  const float* w = nullptr;
  const float* y = nullptr;
  BatchNormSaved saved;
  const float* dz = nullptr;  // [N,P,Q,K] gradient of the normalised output
  float* dw = nullptr;
  float* dgamma = nullptr;         // or null
  float* dbeta = nullptr;          // or null
  float* dx = nullptr;             // [N,H,W,C], or null when no gradient is wanted
  Store store = Store::overwrite;  // of dx
  // Doubles [2,K], sums over rows of dz and of dz*(y - mean), where the pass that wrote dz took them; or
  // null.
  const double* dz_moments = nullptr;
  // Doubles [2,C], those of dx and x, written unless null: for a normalised input whose dx is overwritten.
  // Both are for backends that gain by normalising inputs; others leave them alone.
  double* dx_moments = nullptr;
  Activation x_activation =
      Activation::none;  // of the convolution's input; dx is the gradient of what it takes
};

enum class Direction { forward, backward };

// A place on the host for a small result of the device, so that it can be read some steps after it was
// queued.
class Readback {
 public:
  virtual ~Readback() = default;
  // Async: takes the value as it is at this point of the compute stream.
  virtual void start(const void* device) = 0;
  // Waits for the value started last, which stays until the next start.
  virtual const void* wait() = 0;
  // Whether start() returns before the value is there.
  virtual bool late() const = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  // One line for logs: "cpu: 2 threads, oneDNN 2.6.3 (AVX2)".
  virtual std::string description() const = 0;

  // The calls that follow belong to this stage of the network and this pass through it. Profilers care, and
  // the CUDA backend, which may queue a stage as one graph. `name`: a string literal.
  virtual void begin_stage(const char* /*name*/, Direction /*direction*/) {}

  // ---- memory and order -----------------------------------------------------------------------------
  // 64-byte aligned, contents undefined. Errors: device when there is no memory.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  virtual void upload(void* device, const void* host, std::size_t bytes) = 0;
  virtual void download(void* host, const void* device, std::size_t bytes) = 0;  // waits for the result
  virtual void synchronize() = 0;
  // For results of `bytes`; the backend must outlive it. The default downloads at once.
  virtual std::unique_ptr<Readback> make_readback(std::size_t bytes);
  // The compute stream as the device's own libraries know it (a cudaStream_t); null without one.
  virtual void* native_stream() { return nullptr; }

  // ---- convolution ------------------------------------------------------------------------------------
  virtual std::size_t conv_workspace_bytes(const ConvSpec& spec, ConvPass pass) = 0;
  // x [N,H,W,C], w [K,C/g,R,S] -> y [N,P,Q,K]
  virtual void conv_forward(const ConvSpec& spec, const float* x, const float* w, float* y, Workspace) = 0;
  // dy [N,P,Q,K], w -> dx [N,H,W,C], overwritten
  virtual void conv_backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx,
                                  Workspace) = 0;
  // x, dy -> dw [K,C/g,R,S], overwritten
  virtual void conv_backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                                     Workspace) = 0;

  // ---- batch normalisation ----------------------------------------------------------------------------
  // Scratch for both passes below.
  virtual std::size_t batch_norm_workspace_bytes(const BatchNormSpec& spec) const = 0;
  // Statistics of x [M,C] over its rows. Writes saved.*; updates running_mean and running_var [C] (unbiased
  // variance). gamma and beta are [C], or null for 1 and 0. The normalised values themselves are made by
  // affine_sum, which can add several of them up in the same pass.
  virtual void batch_norm_statistics(const BatchNormSpec& spec, const float* x, const float* gamma,
                                     const float* beta, float* running_mean, float* running_var,
                                     BatchNormSaved saved, Workspace) = 0;
  // x, dy [M,C] -> dx [M,C]; dgamma and dbeta [C] unless null. dx may be dy.
  virtual void batch_norm_backward(const BatchNormSpec& spec, const float* x, const float* dy,
                                   BatchNormSaved saved, float* dx, float* dgamma, float* dbeta,
                                   Workspace) = 0;
  // Evaluation mode: saved.* from the running statistics.
  virtual void batch_norm_inference(const BatchNormSpec& spec, const float* gamma, const float* beta,
                                    const float* running_mean, const float* running_var,
                                    BatchNormSaved saved) = 0;

  // ---- convolution and batch norm in one ----------------------------------------------------------------
  // The same as the primitives above, affine_sum before them and activation_backward behind, which is what
  // the default does; a backend overrides all three to save passes over memory.
  // Whether it also saves some to leave the input's own batch norm to these.
  virtual bool gains_by_normalising_inputs() const { return false; }
  virtual std::size_t conv_norm_workspace_bytes(const ConvNormSpec& spec, Direction direction);
  virtual void conv_norm_forward(const ConvNormSpec& spec, const ConvNormForward& operands, Workspace);
  virtual void conv_norm_backward(const ConvNormSpec& spec, const ConvNormBackward& operands, Workspace);

  // ---- element-wise -----------------------------------------------------------------------------------
  // s[m,c] = sum over terms of scale[c]*x[m,c] + shift[c] (see AffineTerm). Writes s to `sum` and
  // activation(s) to `activated`, each unless null. Zero terms give zeros. Outputs may not alias a source.
  virtual void affine_sum(const AffineSumSpec& spec, float* sum, float* activated) = 0;
  // dx (+)= dy where the activation let the value through; `activated` is its output.
  virtual void activation_backward(Activation activation, std::size_t count, const float* activated,
                                   const float* dy, float* dx, Store store) = 0;
  // y (+)= x
  virtual void add(std::size_t count, const float* x, float* y, Store store) = 0;
  virtual void fill(std::size_t count, float value, float* y) = 0;
  // y [M,C] (+)= scale [M] * x [M,C], each row by its own factor. y may be x when overwritten.
  virtual void scale_rows(const RowScaleSpec& spec, const float* scale, const float* x, float* y,
                          Store store) = 0;

  // ---- rearranging ------------------------------------------------------------------------------------
  // y (+)= x over a range of channels: joins tensors along channels, and takes them apart again.
  virtual void copy_channels(const ChannelCopySpec& spec, const float* x, float* y, Store store) = 0;
  // x [N,H,W,C] -> y [N,P,Q,C]
  virtual void subsample_forward(const SubsampleSpec& spec, const float* x, float* y) = 0;
  // dy [N,P,Q,C] -> dx [N,H,W,C], zero (or as it was) at the pixels that were not picked
  virtual void subsample_backward(const SubsampleSpec& spec, const float* dy, float* dx, Store store) = 0;

  // ---- pooling ----------------------------------------------------------------------------------------
  // x [N,H,W,C] -> y [N,P,Q,C]; the divisor is the number of pixels inside the image.
  virtual void avg_pool_forward(const PoolSpec& spec, const float* x, float* y) = 0;
  virtual void avg_pool_backward(const PoolSpec& spec, const float* dy, float* dx, Store store) = 0;
  // index [N,P,Q,C]: position r*kernel+s of the winner (the first in scan order on ties) in its window.
  virtual void max_pool_forward(const PoolSpec& spec, const float* x, float* y, std::uint8_t* index) = 0;
  virtual void max_pool_backward(const PoolSpec& spec, const std::uint8_t* index, const float* dy, float* dx,
                                 Store store) = 0;
  // x [N,pixels,C] -> y [N,C]
  virtual void global_avg_pool_forward(int batch, int pixels, int channels, const float* x, float* y) = 0;
  virtual void global_avg_pool_backward(int batch, int pixels, int channels, const float* dy, float* dx) = 0;

  // ---- classifier and loss ------------------------------------------------------------------------------
  // x [N,F], w [O,F], bias [O] or null -> y [N,O]
  virtual void linear_forward(const LinearSpec& spec, const float* x, const float* w, const float* bias,
                              float* y) = 0;
  virtual void linear_backward_data(const LinearSpec& spec, const float* dy, const float* w, float* dx) = 0;
  // dw [O,F]; dbias [O] unless null
  virtual void linear_backward_weights(const LinearSpec& spec, const float* x, const float* dy, float* dw,
                                       float* dbias) = 0;
  // logits [N,K], labels [N] -> dlogits [N,K] = d(mean loss)/d(logits), unless null; sums over the batch.
  // Label smoothing: target = (1-e)*onehot + e/K.
  virtual void cross_entropy(const CrossEntropySpec& spec, const float* logits, const std::int32_t* labels,
                             float* dlogits, LossSums* sums) = 0;

  // ---- the flat weight buffer ---------------------------------------------------------------------------
  virtual std::size_t gradient_norm_workspace_bytes(int block_count) const = 0;
  // The gradient stays as it is: sgd_step applies the scale as it reads. norm [1]. A norm that is not finite
  // gives a scale that is not. Determinism: bit-equal for any thread count.
  virtual void gradient_norm(const SegmentBlock* blocks, int block_count, const SegmentState* states,
                             const float* gradient, float max_norm, GradientNorm* norm, Workspace) = 0;
  // One pass: g' = clip(g) + wd*w; m = mu*m + g'; w -= lr*(nesterov ? g' + mu*m : m), by the state of each
  // block's segment; the gradient of a coasting segment is taken as zero and not read. (PyTorch's first-step
  // rule m = g' is the same, since m starts at zero.)
  virtual void sgd_step(const SgdSpec& spec, const SegmentBlock* blocks, int block_count,
                        const SegmentState* states, const float* gradient, float* momentum,
                        float* weights) = 0;
  virtual std::size_t angle_sums_workspace_bytes(int block_count) const = 0;
  // sums [segment_count] <- the three sums of (w0, w1) over each segment's blocks; 0 where it has none.
  // Blocks of a segment must be adjacent in the table. Determinism: bit-equal for any thread count.
  virtual void angle_sums(const SegmentBlock* blocks, int block_count, int segment_count, const float* w0,
                          const float* w1, AngleSums* sums, Workspace) = 0;

  // ---- input --------------------------------------------------------------------------------------------
  // images [N,H,W,3] uint8, params [N] -> y [N,H,W,3]
  virtual void augment_images(const AugmentSpec& spec, const std::uint8_t* images,
                              const AugmentParams* params, float* y) = 0;
};

// Plain double-precision loops: the executable specification. Slow.
std::unique_ptr<Backend> make_ref_backend();

int cpu_cores();  // cores this process may run on

struct CpuOptions {
  static constexpr int kMaxThreads = 1024;

  int threads = 0;  // 0: all cores this process may run on
  ConvAlgorithm conv_algorithm = ConvAlgorithm::automatic;

  friend bool operator==(const CpuOptions&, const CpuOptions&) = default;
};
std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options);

enum class Determinism {
  on,   // the same bits in every run on the same device and libraries
  off,  // cuDNN may choose algorithms that add up in any order
};

enum class GraphCapture {
  off,     // every call goes to the stream by itself
  stages,  // what is queued between two begin_stage calls goes as one CUDA graph: see cuda/graph_cache.h
};

struct CudaOptions {
  int device = 0;
  Precision precision = Precision::fp32;
  Determinism determinism = Determinism::on;
  std::string plan_directory = {};  // keeps cuDNN plans between runs; empty: they are made anew
  GraphCapture graph_capture = GraphCapture::off;
  NormAndPool norm_and_pool = NormAndPool::own;
};

// Errors: device when this build has no CUDA, or the machine no driver or device of that index.
std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options);

}  // namespace rlnas
