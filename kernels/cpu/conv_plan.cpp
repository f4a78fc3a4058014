#include "kernels/cpu/conv_plan.h"

#include <algorithm>

#include "kernels/round_up.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;

constexpr std::size_t kPageBytes = 4096;  // slices of the workspace start on page boundaries
std::size_t pages(std::size_t bytes) {
  return round_up(bytes, kPageBytes);
}

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
ConvPiece make_piece(const ConvSpec& spec, ConvPass pass, int images, const Desc& weights,
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
    return ConvPiece{primitive, in, out, w, pd.scratchpad_desc(), pd.impl_info_str()};
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
bool is_slow(const ConvSpec& spec, const ConvPiece& piece) {
  const auto named = [&](const char* part) { return piece.implementation.find(part) != std::string::npos; };
  const bool depthwise = spec.groups > 1 && spec.groups == spec.in_channels;
  return piece.implementation.empty() || named("ref") || (depthwise && !named("dw")) ||
         (spec.groups > 1 && named("gemm"));
}

void add_arguments(ConvPiece& piece, int threads, const dnnl::engine& engine) {
  const auto memory = [&](const Desc& desc) { return dnnl::memory(desc, engine, DNNL_MEMORY_NONE); };
  for (int t = 0; t < threads; ++t)
    piece.arguments.push_back(
        {memory(piece.in_side), memory(piece.weights), memory(piece.out_side), memory(piece.scratchpad)});
}

}  // namespace

std::unique_ptr<ConvPlan> make_conv_plan(const ConvSpec& spec, ConvPass pass, int threads,
                                         const dnnl::engine& engine) {
  check_spec(spec);
  const OneThread one_thread;
  auto plan = std::make_unique<ConvPlan>(spec, pass);
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
  add_arguments(plan->full, threads, engine);
  if (plan->chunks.tail() > 0) add_arguments(plan->tail, threads, engine);
  return plan;
}

}  // namespace rlnas
