#include "kernels/cpu/conv_engine.h"

#include <omp.h>

#include <array>
#include <dnnl.hpp>
#include <exception>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "kernels/cpu/conv_chunks.h"
#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/parallel.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;

constexpr std::size_t kPageBytes = 4096;  // slices of the workspace start on page boundaries
std::size_t pages(std::size_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}

// While it lives, OpenMP offers oneDNN one thread: primitives are built, and reorders run, single-threaded.
// The setting belongs to the calling thread and is put back.
class OneThread {
 public:
  OneThread() : saved_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(saved_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int saved_;
};

enum class Own { no, direct };  // whether our own kernels run it

struct Piece {  // one oneDNN primitive: a chunk of the batch
  dnnl::primitive primitive;
  Desc in_side, out_side, weights, scratchpad;
  std::string implementation;
};

struct Plan {
  Plan(const ConvSpec& conv_spec, ConvPass conv_pass)
      : spec(conv_spec), pass(conv_pass), chunks(conv_spec.batch) {}

  ConvSpec spec;
  ConvPass pass;
  ConvChunks chunks;
  Own own = Own::no;
  std::string implementation;
  Piece full, tail;
  Desc plain_weights;  // OIHW
  dnnl::primitive reorder;
  std::size_t weights_bytes = 0;  // one blocked copy, rounded up to pages
  std::size_t scratch_bytes = 0;  // of one thread, likewise

  std::size_t weight_copies() const {
    return pass == ConvPass::backward_weights ? std::size_t(chunks.count()) : 1;
  }
  std::size_t workspace_bytes(int threads) const {
    if (own == Own::direct) return direct_conv_workspace_bytes(spec, pass);
    return weights_bytes * weight_copies() + scratch_bytes * std::size_t(threads);
  }
};

struct PlanKey {
  ConvSpec spec;
  ConvPass pass;
  friend bool operator==(const PlanKey&, const PlanKey&) = default;
};

struct PlanKeyHash {
  std::size_t operator()(const PlanKey& key) const {
    const ConvSpec& s = key.spec;
    std::size_t hash = std::size_t(key.pass);
    for (const int value : {s.batch, s.in_channels, s.in_height, s.in_width, s.out_channels, s.kernel,
                            s.stride, s.padding, s.dilation, s.groups})
      hash = (hash ^ std::size_t(value)) * 0x100000001b3u;
    return hash;
  }
};

// Arguments of the three kinds of oneDNN operation descriptors.
struct Problem {
  Desc in_side, weights, out_side;
  Dims strides, dilates, padding;
};

Problem make_problem(const ConvSpec& spec, int images, const Desc& weights) {
  const auto f32 = dnnl::memory::data_type::f32;
  const int dilate = spec.dilation - 1;
  return {Desc({images, spec.in_channels, spec.in_height, spec.in_width}, f32, Tag::nhwc),
          weights,
          Desc({images, spec.out_channels, spec.out_height(), spec.out_width()}, f32, Tag::nhwc),
          {spec.stride, spec.stride},
          {dilate, dilate},
          {spec.padding, spec.padding}};
}

Desc weights_desc(const ConvSpec& spec, bool plain) {
  const auto f32 = dnnl::memory::data_type::f32;
  const int in = spec.in_channels / spec.groups, out = spec.out_channels / spec.groups, k = spec.kernel;
  if (spec.groups == 1) return Desc({out, in, k, k}, f32, plain ? Tag::oihw : Tag::any);
  return Desc({spec.groups, out, in, k, k}, f32, plain ? Tag::goihw : Tag::any);
}

// Builds the primitive, or leaves `piece` empty when oneDNN has none.
Piece make_piece(const ConvSpec& spec, ConvPass pass, int images, const Desc& weights,
                 const dnnl::engine& engine) {
  constexpr bool kAllowEmpty = true;
  const auto direct = dnnl::algorithm::convolution_direct;
  const Problem p = make_problem(spec, images, weights);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const dnnl::convolution_forward::desc forward_desc(dnnl::prop_kind::forward_training, direct, p.in_side,
                                                     p.weights, p.out_side, p.strides, p.dilates, p.padding,
                                                     p.padding);
  const dnnl::convolution_forward::primitive_desc forward(forward_desc, attributes, engine, kAllowEmpty);
  if (!forward) return {};
  const auto piece = [](const auto& pd, const dnnl::primitive& primitive, const Desc& in, const Desc& w,
                        const Desc& out) {
    return Piece{primitive, in, out, w, pd.scratchpad_desc(), pd.impl_info_str()};
  };
  switch (pass) {
    case ConvPass::forward:
      return piece(forward, dnnl::convolution_forward(forward), forward.src_desc(), forward.weights_desc(),
                   forward.dst_desc());
    case ConvPass::backward_data: {
      const dnnl::convolution_backward_data::desc desc(direct, p.in_side, p.weights, p.out_side, p.strides,
                                                       p.dilates, p.padding, p.padding);
      const dnnl::convolution_backward_data::primitive_desc pd(desc, attributes, engine, forward,
                                                               kAllowEmpty);
      if (!pd) return {};
      return piece(pd, dnnl::convolution_backward_data(pd), pd.diff_src_desc(), pd.weights_desc(),
                   pd.diff_dst_desc());
    }
    case ConvPass::backward_weights: {
      const dnnl::convolution_backward_weights::desc desc(direct, p.in_side, p.weights, p.out_side, p.strides,
                                                          p.dilates, p.padding, p.padding);
      const dnnl::convolution_backward_weights::primitive_desc pd(desc, attributes, engine, forward,
                                                                  kAllowEmpty);
      if (!pd) return {};
      return piece(pd, dnnl::convolution_backward_weights(pd), pd.src_desc(), pd.diff_weights_desc(),
                   pd.diff_dst_desc());
    }
  }
  return {};
}

// oneDNN's reference code is hundreds of times too slow, and so are its dense kernels and its GEMM on a
// depthwise filter, one channel at a time; its depthwise kernels have "dw" in their names.
bool is_slow(const ConvSpec& spec, const Piece& piece) {
  const auto named = [&](const char* part) { return piece.implementation.find(part) != std::string::npos; };
  const bool depthwise = spec.groups > 1 && spec.groups == spec.in_channels;
  return piece.implementation.empty() || named("ref") || (depthwise && !named("dw")) ||
         (spec.groups > 1 && named("gemm"));
}

std::unique_ptr<Plan> make_plan(const ConvSpec& spec, ConvPass pass, const dnnl::engine& engine) {
  check_spec(spec);
  const OneThread one_thread;
  auto plan = std::make_unique<Plan>(spec, pass);
  plan->full = make_piece(spec, pass, plan->chunks.images, weights_desc(spec, false), engine);
  bool slow = is_slow(spec, plan->full);
  if (!slow && plan->chunks.tail() > 0) {
    plan->tail = make_piece(spec, pass, plan->chunks.tail(), plan->full.weights, engine);
    slow = is_slow(spec, plan->tail);
  }
  if (slow) {
    plan->own = Own::direct;
    plan->implementation = direct_conv_name(spec);
    return plan;
  }
  plan->implementation = plan->full.implementation;
  plan->plain_weights = weights_desc(spec, true);
  const Desc &blocked = plan->full.weights, &plain = plan->plain_weights;
  plan->reorder = pass == ConvPass::backward_weights
                      ? dnnl::reorder(dnnl::reorder::primitive_desc(engine, blocked, engine, plain))
                      : dnnl::reorder(dnnl::reorder::primitive_desc(engine, plain, engine, blocked));
  plan->weights_bytes = pages(blocked.get_size());
  plan->scratch_bytes = pages(plan->full.scratchpad.get_size());
  if (plan->chunks.tail() > 0)
    plan->scratch_bytes = std::max(plan->scratch_bytes, pages(plan->tail.scratchpad.get_size()));
  return plan;
}

// Adds `copies` arrays of `bytes` up into the first, in their order.
void add_partials(int threads, char* base, std::size_t bytes, std::size_t copies) {
  const std::int64_t count = std::int64_t(bytes / sizeof(float));
  float* const total = reinterpret_cast<float*>(base);
  parallel_ranges(threads, count, items_per_block(std::int64_t(copies * sizeof(float))),
                  [&](std::int64_t begin, std::int64_t end) {
                    for (std::size_t copy = 1; copy < copies; ++copy) {
                      const float* const part = reinterpret_cast<const float*>(base + copy * bytes);
                      for (std::int64_t i = begin; i < end; ++i) total[i] += part[i];
                    }
                  });
}

}  // namespace

struct ConvEngine::Impl {
  explicit Impl(int thread_count) : threads(thread_count), engine(dnnl::engine::kind::cpu, 0) {
    for (int t = 0; t < threads; ++t) streams.emplace_back(engine);
  }

  const Plan& plan(const ConvSpec& spec, ConvPass pass) {
    const std::lock_guard lock(mutex);
    std::unique_ptr<Plan>& slot = plans[{spec, pass}];
    if (!slot) slot = make_plan(spec, pass, engine);
    return *slot;
  }

  // Runs every chunk. `weights` is the blocked copy, or for backward_weights the first of one copy per chunk.
  void run_chunks(const Plan& plan, float* in_side, float* out_side, char* weights, char* scratch) {
    const std::size_t in_image = plan.spec.in_count() / std::size_t(plan.spec.batch);
    const std::size_t out_image = plan.spec.out_count() / std::size_t(plan.spec.batch);
    const std::size_t weights_step = plan.pass == ConvPass::backward_weights ? plan.weights_bytes : 0;
    const std::array<int, 3> arg = plan.pass == ConvPass::forward
                                       ? std::array{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST}
                                   : plan.pass == ConvPass::backward_data
                                       ? std::array{DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST}
                                       : std::array{DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST};
    std::vector<std::exception_ptr> errors(std::size_t(threads), nullptr);
    parallel_for(threads, plan.chunks.count(), [&](std::int64_t chunk) {
      const int thread = omp_get_thread_num();
      try {
        const bool is_tail = plan.chunks.size(int(chunk)) != plan.chunks.images;
        const Piece& piece = is_tail ? plan.tail : plan.full;
        const std::size_t first = std::size_t(plan.chunks.first(int(chunk)));
        piece.primitive.execute(
            streams[std::size_t(thread)],
            {{arg[0], dnnl::memory(piece.in_side, engine, in_side + first * in_image)},
             {arg[1], dnnl::memory(piece.weights, engine, weights + std::size_t(chunk) * weights_step)},
             {arg[2], dnnl::memory(piece.out_side, engine, out_side + first * out_image)},
             {DNNL_ARG_SCRATCHPAD,
              dnnl::memory(piece.scratchpad, engine, scratch + std::size_t(thread) * plan.scratch_bytes)}});
      } catch (...) {
        errors[std::size_t(thread)] = std::current_exception();
      }
    });
    for (const std::exception_ptr& error : errors)
      if (error) std::rethrow_exception(error);
  }

  void run_reorder(const Plan& plan, const Desc& from_desc, void* from, const Desc& to_desc, void* to) {
    plan.reorder.execute(streams[0], {{DNNL_ARG_FROM, dnnl::memory(from_desc, engine, from)},
                                      {DNNL_ARG_TO, dnnl::memory(to_desc, engine, to)}});
  }

  // Forward and backward_data: weights are an input.
  void run_with_weights(const Plan& plan, float* in_side, const float* w, float* out_side,
                        Workspace workspace) {
    check_workspace("convolution", workspace, plan.workspace_bytes(threads));
    const OneThread one_thread;
    char* const blocked = static_cast<char*>(workspace.data);
    run_reorder(plan, plan.plain_weights, const_cast<float*>(w), plan.full.weights, blocked);
    run_chunks(plan, in_side, out_side, blocked, blocked + plan.weights_bytes);
  }

  void run_backward_weights(const Plan& plan, float* x, float* dy, float* dw, Workspace workspace) {
    check_workspace("convolution", workspace, plan.workspace_bytes(threads));
    const OneThread one_thread;
    char* const partials = static_cast<char*>(workspace.data);
    const std::size_t copies = plan.weight_copies();
    run_chunks(plan, x, dy, partials, partials + copies * plan.weights_bytes);
    add_partials(threads, partials, plan.weights_bytes, copies);
    run_reorder(plan, plan.full.weights, partials, plan.plain_weights, dw);
  }

  int threads;
  dnnl::engine engine;
  std::vector<dnnl::stream> streams;  // one per thread
  std::mutex mutex;
  std::unordered_map<PlanKey, std::unique_ptr<Plan>, PlanKeyHash> plans;
};

namespace {

// Runs `body`, turning oneDNN's exceptions into ours.
template <class Body>
auto guarded(const ConvSpec& spec, const Body& body) {
  try {
    return body();
  } catch (const dnnl::error& error) {
    fail(ErrorCode::device, "oneDNN: ", error.what(), " (convolution ", spec.in_channels, " -> ",
         spec.out_channels, ", ", spec.kernel, "x", spec.kernel, ", batch ", spec.batch, ")");
  }
}

}  // namespace

ConvEngine::ConvEngine(int threads) : impl_(std::make_unique<Impl>(threads)) {}
ConvEngine::~ConvEngine() = default;

std::size_t ConvEngine::workspace_bytes(const ConvSpec& spec, ConvPass pass) {
  return guarded(spec, [&] { return impl_->plan(spec, pass).workspace_bytes(impl_->threads); });
}

// oneDNN takes every buffer as mutable; the const_casts below are of buffers its primitives only read.
void ConvEngine::forward(const ConvSpec& spec, const float* x, const float* w, float* y,
                         Workspace workspace) {
  guarded(spec, [&] {
    const Plan& plan = impl_->plan(spec, ConvPass::forward);
    if (plan.own == Own::direct)
      direct_conv_forward(impl_->threads, spec, x, w, y, workspace);
    else
      impl_->run_with_weights(plan, const_cast<float*>(x), w, y, workspace);
  });
}

void ConvEngine::backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx,
                               Workspace workspace) {
  guarded(spec, [&] {
    const Plan& plan = impl_->plan(spec, ConvPass::backward_data);
    if (plan.own == Own::direct)
      direct_conv_backward_data(impl_->threads, spec, dy, w, dx, workspace);
    else
      impl_->run_with_weights(plan, dx, w, const_cast<float*>(dy), workspace);
  });
}

void ConvEngine::backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                                  Workspace workspace) {
  guarded(spec, [&] {
    const Plan& plan = impl_->plan(spec, ConvPass::backward_weights);
    if (plan.own == Own::direct)
      direct_conv_backward_weights(impl_->threads, spec, x, dy, dw, workspace);
    else
      impl_->run_backward_weights(plan, const_cast<float*>(x), const_cast<float*>(dy), dw, workspace);
  });
}

std::string ConvEngine::implementation(const ConvSpec& spec, ConvPass pass) {
  return guarded(spec, [&] { return impl_->plan(spec, pass).implementation; });
}

std::string conv_implementation(const ConvSpec& spec, ConvPass pass) {
  return ConvEngine(1).implementation(spec, pass);
}

std::string onednn_description() {
  const dnnl_version_t* const version = dnnl_version();
  std::string text = "oneDNN " + std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
                     std::to_string(version->patch) + ", ";
  switch (dnnl::get_effective_cpu_isa()) {
    case dnnl::cpu_isa::sse41:
      return text + "SSE4.1";
    case dnnl::cpu_isa::avx:
      return text + "AVX";
    case dnnl::cpu_isa::avx2:
      return text + "AVX2";
    case dnnl::cpu_isa::avx2_vnni:
      return text + "AVX2 VNNI";
    case dnnl::cpu_isa::avx512_core:
      return text + "AVX-512";
    case dnnl::cpu_isa::avx512_core_vnni:
      return text + "AVX-512 VNNI";
    case dnnl::cpu_isa::avx512_core_bf16:
      return text + "AVX-512 BF16";
    case dnnl::cpu_isa::avx512_core_amx:
      return text + "AVX-512 AMX";
    default:
      return text + "generic code";
  }
}

}  // namespace rlnas
