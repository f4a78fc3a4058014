#include "kernels/cpu/conv_engine.h"

#include <omp.h>

#include <array>
#include <dnnl.hpp>
#include <exception>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "kernels/conv_problem.h"
#include "kernels/cpu/conv_plan.h"
#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/parallel.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

using Desc = dnnl::memory::desc;

// oneDNN's names of the input-side, weight and output-side operands.
std::array<int, 3> argument_names(ConvPass pass) {
  switch (pass) {
    case ConvPass::forward:
      return {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST};
    case ConvPass::backward_data:
      return {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST};
    case ConvPass::backward_weights:
      break;
  }
  return {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST};
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

  const ConvPlan& plan(const ConvSpec& spec, ConvPass pass) {
    const std::lock_guard lock(mutex);
    std::unique_ptr<ConvPlan>& slot = plans[{spec, pass}];
    if (!slot) slot = make_conv_plan(spec, pass, threads, engine);
    return *slot;
  }

  void run_chunk(const ConvPlan& plan, int thread, int images, const float* in_side, const void* weights,
                 const float* out_side, void* scratch) {
    ConvPiece& piece = images == plan.chunks.images ? plan.full : plan.tail;
    ConvArguments& arguments = piece.arguments[std::size_t(thread)];
    const dnnl::stream& stream = streams[std::size_t(thread)];
    // oneDNN takes every buffer as mutable; it writes only what the pass is there to write.
    arguments.in_side.set_data_handle(const_cast<float*>(in_side), stream);
    arguments.weights.set_data_handle(const_cast<void*>(weights), stream);
    arguments.out_side.set_data_handle(const_cast<float*>(out_side), stream);
    arguments.scratchpad.set_data_handle(scratch, stream);
    const std::array<int, 3> names = argument_names(plan.pass);
    const std::array<dnnl_exec_arg_t, 4> list{{{names[0], arguments.in_side.get()},
                                               {names[1], arguments.weights.get()},
                                               {names[2], arguments.out_side.get()},
                                               {DNNL_ARG_SCRATCHPAD, arguments.scratchpad.get()}}};
    dnnl::error::wrap_c_api(
        dnnl_primitive_execute(piece.primitive.get(), stream.get(), int(list.size()), list.data()),
        "a convolution failed");
  }

  // Runs every chunk. `weights` is the blocked copy, or for backward_weights the first of one copy per chunk.
  void run_chunks(const ConvPlan& plan, const float* in_side, const float* out_side, char* weights,
                  char* scratch) {
    const std::size_t in_image = plan.spec.in_count() / std::size_t(plan.spec.batch);
    const std::size_t out_image = plan.spec.out_count() / std::size_t(plan.spec.batch);
    const std::size_t weights_step = plan.pass == ConvPass::backward_weights ? plan.weights_bytes : 0;
    parallel_try(threads, plan.chunks.count(), [&](int thread, std::int64_t chunk) {
      const std::size_t first = std::size_t(plan.chunks.first(int(chunk)));
      run_chunk(plan, thread, plan.chunks.size(int(chunk)), in_side + first * in_image,
                weights + std::size_t(chunk) * weights_step, out_side + first * out_image,
                scratch + std::size_t(thread) * plan.scratch_bytes);
    });
  }

  void run_reorder(const ConvPlan& plan, const Desc& from_desc, void* from, const Desc& to_desc, void* to) {
    const OneThread one_thread;
    plan.reorder.execute(streams[0], {{DNNL_ARG_FROM, dnnl::memory(from_desc, engine, from)},
                                      {DNNL_ARG_TO, dnnl::memory(to_desc, engine, to)}});
  }

  void load_weights(const ConvPlan& plan, const float* w, void* blocked) {
    run_reorder(plan, plan.plain_weights, const_cast<float*>(w), plan.full.weights, blocked);
  }

  void sum_weights(const ConvPlan& plan, void* copies, float* dw) {
    add_partials(threads, static_cast<char*>(copies), plan.weights_bytes, plan.weight_copies());
    run_reorder(plan, plan.full.weights, copies, plan.plain_weights, dw);
  }

  // Forward and backward_data: weights are an input.
  void run_with_weights(const ConvPlan& plan, const float* in_side, const float* w, const float* out_side,
                        Workspace workspace) {
    check_workspace("convolution", workspace, plan.workspace_bytes(threads));
    char* const blocked = static_cast<char*>(workspace.data);
    load_weights(plan, w, blocked);
    run_chunks(plan, in_side, out_side, blocked, blocked + plan.weights_bytes);
  }

  void run_backward_weights(const ConvPlan& plan, const float* x, const float* dy, float* dw,
                            Workspace workspace) {
    check_workspace("convolution", workspace, plan.workspace_bytes(threads));
    char* const copies = static_cast<char*>(workspace.data);
    run_chunks(plan, x, dy, copies, copies + plan.weight_copies() * plan.weights_bytes);
    sum_weights(plan, copies, dw);
  }

  int threads;
  dnnl::engine engine;
  std::vector<dnnl::stream> streams;  // one per thread
  std::mutex mutex;
  std::unordered_map<ConvProblem, std::unique_ptr<ConvPlan>, ConvProblemHash> plans;
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

void ConvEngine::forward(const ConvSpec& spec, const float* x, const float* w, float* y,
                         Workspace workspace) {
  guarded(spec, [&] {
    const ConvPlan& plan = impl_->plan(spec, ConvPass::forward);
    if (plan.own == Own::direct)
      direct_conv_forward(impl_->threads, spec, x, w, y, workspace);
    else
      impl_->run_with_weights(plan, x, w, y, workspace);
  });
}

void ConvEngine::backward_data(const ConvSpec& spec, const float* dy, const float* w, float* dx,
                               Workspace workspace) {
  guarded(spec, [&] {
    const ConvPlan& plan = impl_->plan(spec, ConvPass::backward_data);
    if (plan.own == Own::direct)
      direct_conv_backward_data(impl_->threads, spec, dy, w, dx, workspace);
    else
      impl_->run_with_weights(plan, dx, w, dy, workspace);
  });
}

void ConvEngine::backward_weights(const ConvSpec& spec, const float* x, const float* dy, float* dw,
                                  Workspace workspace) {
  guarded(spec, [&] {
    const ConvPlan& plan = impl_->plan(spec, ConvPass::backward_weights);
    if (plan.own == Own::direct)
      direct_conv_backward_weights(impl_->threads, spec, x, dy, dw, workspace);
    else
      impl_->run_backward_weights(plan, x, dy, dw, workspace);
  });
}

const ChunkedConv* ConvEngine::chunked(const ConvSpec& spec, ConvPass pass) {
  return guarded(spec, [&]() -> const ChunkedConv* {
    const ConvPlan& plan = impl_->plan(spec, pass);
    return plan.own == Own::no ? &plan : nullptr;
  });
}

void ConvEngine::load_weights(const ChunkedConv& conv, const float* w, void* blocked) {
  guarded(conv.spec, [&] { impl_->load_weights(static_cast<const ConvPlan&>(conv), w, blocked); });
}

void ConvEngine::run_chunk(const ChunkedConv& conv, int thread, int images, const float* in_side,
                           const void* weights, const float* out_side, void* scratch) {
  guarded(conv.spec, [&] {
    impl_->run_chunk(static_cast<const ConvPlan&>(conv), thread, images, in_side, weights, out_side, scratch);
  });
}

void ConvEngine::sum_weights(const ChunkedConv& conv, void* copies, float* dw) {
  guarded(conv.spec, [&] { impl_->sum_weights(static_cast<const ConvPlan&>(conv), copies, dw); });
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
