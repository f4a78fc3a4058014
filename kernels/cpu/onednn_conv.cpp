#include "kernels/cpu/onednn_conv.h"

#include <omp.h>

#include <array>
#include <dnnl.hpp>
#include <vector>

#include "kernels/cpu/parallel.h"
#include "kernels/round_up.h"

namespace rlnas {

struct OneDnn::Impl {
  explicit Impl(int thread_count) : threads(thread_count), engine(dnnl::engine::kind::cpu, 0) {
    for (int t = 0; t < threads; ++t) streams.emplace_back(engine);
  }

  int threads;
  dnnl::engine engine;
  std::vector<dnnl::stream> streams;  // one per thread
};

namespace {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;

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

// The memory objects of one thread, made once: a call only points them at its data.
struct Arguments {
  dnnl::memory in_side, weights, out_side, scratchpad;
};

struct Piece {  // one oneDNN primitive: a chunk of the batch
  dnnl::primitive primitive;
  Desc in_side, out_side, weights, scratchpad;
  std::string implementation;
  std::vector<Arguments> arguments = {};  // of each thread
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

// Builds the primitive, or leaves it empty when oneDNN has none.
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

// Some output channels (or groups) of the weights in both layouts. Descriptors carry a slice's offset, so
// that its memory objects take the pointers of the whole.
struct WeightSlice {
  Desc from, to;
  dnnl::reorder reorder;
};

class OneDnnConv final : public ChunkedConv {
 public:
  OneDnnConv(const ConvSpec& conv_spec, ConvPass conv_pass, const OneDnn::Impl& onednn)
      : ChunkedConv(conv_spec, conv_pass), onednn_(onednn) {
    full_ = make_piece(spec, pass, chunks.images, weights_desc(spec, false), onednn.engine);
    slow_ = is_slow(spec, full_);
    if (!slow_ && chunks.tail() > 0) {
      tail_ = make_piece(spec, pass, chunks.tail(), full_.weights, onednn.engine);
      slow_ = is_slow(spec, tail_);
    }
    if (slow_) return;
    cut_weights();
    weights_bytes = whole_pages(full_.weights.get_size());
    scratch_bytes = whole_pages(full_.scratchpad.get_size());
    add_arguments(full_);
    if (chunks.tail() == 0) return;
    scratch_bytes = std::max(scratch_bytes, whole_pages(tail_.scratchpad.get_size()));
    add_arguments(tail_);
  }

  bool slow() const { return slow_; }
  const char* implementation() const override { return full_.implementation.c_str(); }
  int weight_parts() const override { return int(slices_.size()); }

  void load_weights(int part, const float* w, void* loaded) const override {
    reorder(slices_[std::size_t(part)], const_cast<float*>(w), loaded);
  }

  void run_chunk(const ChunkRun& at, const ForwardChunk& tensors) const override {
    execute(at, tensors.x, tensors.weights, tensors.y);
  }

  void run_chunk(const ChunkRun& at, const BackwardDataChunk& tensors) const override {
    execute(at, tensors.dx, tensors.weights, tensors.dy);
  }

  void run_chunk(const ChunkRun& at, const BackwardWeightsChunk& tensors) const override {
    execute(at, tensors.x, tensors.copy, tensors.dy);
  }

  void store_weights(int part, const void* sum, float* dw) const override {
    reorder(slices_[std::size_t(part)], const_cast<void*>(sum), dw);
  }

 private:
  void execute(const ChunkRun& at, const float* in_side, const void* weights, const float* out_side) const {
    const Piece& piece = chunks.size(at.chunk) == chunks.images ? full_ : tail_;
    const Arguments& arguments = piece.arguments[std::size_t(at.thread)];
    const dnnl::stream& stream = onednn_.streams[std::size_t(at.thread)];
    guarded(spec, [&] {
      const OneThread
          one_thread;  // where a loop has one thread it is no OpenMP region, and oneDNN would open one
      // oneDNN takes every buffer as mutable; it writes only what the pass is there to write.
      arguments.in_side.set_data_handle(const_cast<float*>(in_side), stream);
      arguments.weights.set_data_handle(const_cast<void*>(weights), stream);
      arguments.out_side.set_data_handle(const_cast<float*>(out_side), stream);
      arguments.scratchpad.set_data_handle(at.scratch, stream);
      const std::array<int, 3> names = argument_names();
      const std::array<dnnl_exec_arg_t, 4> list{{{names[0], arguments.in_side.get()},
                                                 {names[1], arguments.weights.get()},
                                                 {names[2], arguments.out_side.get()},
                                                 {DNNL_ARG_SCRATCHPAD, arguments.scratchpad.get()}}};
      dnnl::error::wrap_c_api(
          dnnl_primitive_execute(piece.primitive.get(), stream.get(), int(list.size()), list.data()),
          "a convolution failed");
    });
  }

  // oneDNN's names of the input-side, weight and output-side operands.
  std::array<int, 3> argument_names() const {
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

  void cut_weights() {
    constexpr dnnl::memory::dim kBlock = 16;        // the largest block of channels that oneDNN makes
    constexpr std::size_t kSliceBytes = 16 * 1024;  // worth a thread's while
    const Desc plain = weights_desc(spec, true), &blocked = full_.weights;
    const Dims dims = plain.dims();
    const auto rounded = [](dnnl::memory::dim n) { return (n + kBlock - 1) / kBlock * kBlock; };
    const dnnl::memory::dim size =
        rounded(dnnl::memory::dim(kSliceBytes * std::size_t(dims[0]) / plain.get_size()) + 1);
    for (dnnl::memory::dim first = 0; first < dims[0]; first += size) {
      Dims slice = dims, offsets(dims.size(), 0);
      slice[0] = std::min(size, dims[0] - first);
      offsets[0] = first;
      constexpr bool kAllowEmpty = true;
      const Desc outer = plain.submemory_desc(slice, offsets, kAllowEmpty);
      const Desc inner = blocked.submemory_desc(slice, offsets, kAllowEmpty);
      if (!outer || !inner) {  // blocks larger than thought
        slices_.clear();
        add_slice(plain, blocked);
        return;
      }
      add_slice(outer, inner);
    }
  }

  void add_slice(const Desc& plain, const Desc& blocked) {
    const bool store = pass == ConvPass::backward_weights;
    const Desc &from = store ? blocked : plain, &to = store ? plain : blocked;
    const dnnl::engine& engine = onednn_.engine;
    slices_.push_back({from, to, dnnl::reorder(dnnl::reorder::primitive_desc(engine, from, engine, to))});
  }

  void reorder(const WeightSlice& slice, void* from, void* to) const {
    guarded(spec, [&] {
      const OneThread one_thread;
      slice.reorder.execute(onednn_.streams[0],
                            {{DNNL_ARG_FROM, dnnl::memory(slice.from, onednn_.engine, from)},
                             {DNNL_ARG_TO, dnnl::memory(slice.to, onednn_.engine, to)}});
    });
  }

  void add_arguments(Piece& piece) const {
    const auto memory = [&](const Desc& desc) {
      return dnnl::memory(desc, onednn_.engine, DNNL_MEMORY_NONE);
    };
    for (int t = 0; t < onednn_.threads; ++t)
      piece.arguments.push_back(
          {memory(piece.in_side), memory(piece.weights), memory(piece.out_side), memory(piece.scratchpad)});
  }

  const OneDnn::Impl& onednn_;
  bool slow_ = false;
  Piece full_, tail_;
  std::vector<WeightSlice> slices_;
};

}  // namespace

OneDnn::OneDnn(int threads) : impl_(std::make_unique<Impl>(threads)) {}
OneDnn::~OneDnn() = default;

std::unique_ptr<ChunkedConv> OneDnn::make_conv(const ConvSpec& spec, ConvPass pass) {
  return guarded(spec, [&]() -> std::unique_ptr<ChunkedConv> {
    const OneThread one_thread;
    auto conv = std::make_unique<OneDnnConv>(spec, pass, *impl_);
    if (conv->slow()) return nullptr;
    return conv;
  });
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
