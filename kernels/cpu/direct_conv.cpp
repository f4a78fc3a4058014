#include "kernels/cpu/direct_conv.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/conv_chunks.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vec.h"
#include "kernels/spec_checks.h"

namespace rlnas {
namespace {

// sources[i*kernel + r]: the row (or column) of the source image that filter row r needs for row i of the
// destination, or -1 when it needs none.
using Sources = std::vector<int>;

Sources forward_sources(const ConvSpec& spec, int in_size) {
  const int out = spec.out_size(in_size);
  Sources sources(std::size_t(out) * std::size_t(spec.kernel), -1);
  for (int p = 0; p < out; ++p)
    for (int r = 0; r < spec.kernel; ++r) {
      const int h = p * spec.stride - spec.padding + r * spec.dilation;
      if (h >= 0 && h < in_size) sources[std::size_t(p * spec.kernel + r)] = h;
    }
  return sources;
}

Sources backward_sources(const ConvSpec& spec, int in_size) {
  const int out = spec.out_size(in_size);
  Sources sources(std::size_t(in_size) * std::size_t(spec.kernel), -1);
  for (int p = 0; p < out; ++p)
    for (int r = 0; r < spec.kernel; ++r) {
      const int h = p * spec.stride - spec.padding + r * spec.dilation;
      if (h >= 0 && h < in_size) sources[std::size_t(h * spec.kernel + r)] = p;
    }
  return sources;
}

// Which channel axis of the weights comes last in the reordered copy: [g][R][S][other][last].
enum class Last { out_channels, in_channels };

// Position in the reordered copy of weight (g, k, c, r, s); k and c count within the group.
std::size_t reordered_at(const ConvSpec& spec, Last last, int g, int k, int c, int r, int s) {
  const int in = spec.in_channels / spec.groups, out = spec.out_channels / spec.groups;
  const std::size_t tap = std::size_t((g * spec.kernel + r) * spec.kernel + s);
  const std::size_t inner = last == Last::out_channels ? std::size_t(c * out + k) : std::size_t(k * in + c);
  return tap * std::size_t(in * out) + inner;
}

// Calls visit(index in [K, C/g, R, S], index in the reordered copy) for every weight.
template <class Visit>
void for_each_weight(const ConvSpec& spec, Last last, const Visit& visit) {
  const int in = spec.in_channels / spec.groups, out = spec.out_channels / spec.groups;
  std::size_t plain = 0;
  for (int g = 0; g < spec.groups; ++g)
    for (int k = 0; k < out; ++k)
      for (int c = 0; c < in; ++c)
        for (int r = 0; r < spec.kernel; ++r)
          for (int s = 0; s < spec.kernel; ++s) visit(plain++, reordered_at(spec, last, g, k, c, r, s));
}

struct Gather {  // every destination pixel collects from the source pixels under the filter
  int images, height, width, channels;               // destination
  int source_height, source_width, source_channels;  // source
  int kernel, groups;
  Sources rows, columns;
};

// One destination row; weights [g][R][S][source channel][destination channel].
void gather_row(const Gather& job, int row, const float* source, const float* weights, float* to) {
  const int kernel = job.kernel;
  const int from_group = job.source_channels / job.groups, to_group = job.channels / job.groups;
  const std::size_t tap_size = std::size_t(from_group) * std::size_t(to_group);
  for (int column = 0; column < job.width; ++column)
    for (int g = 0; g < job.groups; ++g, to += to_group)
      for_channel_blocks(to_group, [&]<class V, int N>(int c) {
        V sum[N] = {};
        for (int r = 0; r < kernel; ++r) {
          const int h = job.rows[std::size_t(row * kernel + r)];
          if (h < 0) continue;
          for (int s = 0; s < kernel; ++s) {
            const int w = job.columns[std::size_t(column * kernel + s)];
            if (w < 0) continue;
            const float* const pixel =
                source + std::size_t(h * job.source_width + w) * std::size_t(job.source_channels) +
                g * from_group;
            const float* filter = weights + std::size_t((g * kernel + r) * kernel + s) * tap_size + c;
            for (int from = 0; from < from_group; ++from, filter += to_group) {
              const V value = splat<V>(pixel[from]);
              for (int i = 0; i < N; ++i) sum[i] += value * load<V>(filter + i * kWidth<V>);
            }
          }
        }
        for (int i = 0; i < N; ++i) store<V>(to + c + i * kWidth<V>, sum[i]);
      });
}

void run_gather(int threads, const ConvSpec& spec, const Gather& job, Last last, const float* source,
                const float* w, float* to, Workspace workspace) {
  check_workspace("convolution", workspace, spec.weight_count() * sizeof(float));
  float* const weights = static_cast<float*>(workspace.data);
  for_each_weight(spec, last, [&](std::size_t plain, std::size_t at) { weights[at] = w[plain]; });
  const std::size_t source_image =
      std::size_t(job.source_height * job.source_width) * std::size_t(job.source_channels);
  const std::size_t row_size = std::size_t(job.width) * std::size_t(job.channels);
  parallel_ranges(threads, std::int64_t(job.images) * job.height,
                  items_per_block(std::int64_t(row_size * 16)), [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t i = begin; i < end; ++i) {
                      const float* const image = source + std::size_t(i / job.height) * source_image;
                      const int row = int(i % job.height);
                      float* const row_to = to + std::size_t(i) * row_size;
                      gather_row(job, row, image, weights, row_to);
                    }
                  });
}

// Adds the weight gradient of one row of outputs to `partial`, ordered as for Last::out_channels.
void scatter_row(const ConvSpec& spec, const Sources& rows, const Sources& columns, int p,
                 const float* x_image, const float* dy_row, float* partial) {
  const int kernel = spec.kernel, in = spec.in_channels / spec.groups, out = spec.out_channels / spec.groups;
  for (int g = 0; g < spec.groups; ++g)
    for (int r = 0; r < kernel; ++r) {
      const int h = rows[std::size_t(p * kernel + r)];
      if (h < 0) continue;
      const float* const x_row =
          x_image + std::size_t(h * spec.in_width) * std::size_t(spec.in_channels) + g * in;
      for (int s = 0; s < kernel; ++s)
        for (int from = 0; from < in; ++from) {
          float* const to = partial + reordered_at(spec, Last::out_channels, g, 0, from, r, s);
          for_channel_blocks(out, [&]<class V, int N>(int c) {
            V sum[N] = {};
            for (int q = 0; q < spec.out_width(); ++q) {
              const int w = columns[std::size_t(q * kernel + s)];
              if (w < 0) continue;
              const float* const pixel = x_row + std::size_t(w) * std::size_t(spec.in_channels);
              const float* const dy = dy_row + std::size_t(q) * std::size_t(spec.out_channels) + g * out + c;
              const V value = splat<V>(pixel[from]);
              for (int i = 0; i < N; ++i) sum[i] += value * load<V>(dy + i * kWidth<V>);
            }
            for (int i = 0; i < N; ++i) {
              float* const at = to + c + i * kWidth<V>;
              store<V>(at, load<V>(at) + sum[i]);
            }
          });
        }
    }
}

}  // namespace

std::size_t direct_conv_workspace_bytes(const ConvSpec& spec, ConvPass pass) {
  const std::size_t copies = pass == ConvPass::backward_weights ? std::size_t(ConvChunks(spec).count()) : 1;
  return spec.weight_count() * sizeof(float) * copies;
}

void direct_conv_forward(int threads, const ConvSpec& spec, const float* x, const float* w, float* y,
                         Workspace workspace) {
  const Gather job{spec.batch,
                   spec.out_height(),
                   spec.out_width(),
                   spec.out_channels,
                   spec.in_height,
                   spec.in_width,
                   spec.in_channels,
                   spec.kernel,
                   spec.groups,
                   forward_sources(spec, spec.in_height),
                   forward_sources(spec, spec.in_width)};
  run_gather(threads, spec, job, Last::out_channels, x, w, y, workspace);
}

void direct_conv_backward_data(int threads, const ConvSpec& spec, const float* dy, const float* w, float* dx,
                               Workspace workspace) {
  const Gather job{spec.batch,
                   spec.in_height,
                   spec.in_width,
                   spec.in_channels,
                   spec.out_height(),
                   spec.out_width(),
                   spec.out_channels,
                   spec.kernel,
                   spec.groups,
                   backward_sources(spec, spec.in_height),
                   backward_sources(spec, spec.in_width)};
  run_gather(threads, spec, job, Last::in_channels, dy, w, dx, workspace);
}

void direct_conv_backward_weights(int threads, const ConvSpec& spec, const float* x, const float* dy,
                                  float* dw, Workspace workspace) {
  check_workspace("convolution", workspace, direct_conv_workspace_bytes(spec, ConvPass::backward_weights));
  const ConvChunks chunks(spec);
  const Sources rows = forward_sources(spec, spec.in_height), columns = forward_sources(spec, spec.in_width);
  const std::size_t count = spec.weight_count();
  const std::size_t x_image = spec.in_count() / std::size_t(spec.batch);
  const std::size_t dy_row = std::size_t(spec.out_width()) * std::size_t(spec.out_channels);
  float* const partials = static_cast<float*>(workspace.data);
  parallel_for(threads, chunks.count(), [&](std::int64_t chunk) {
    float* const partial = partials + std::size_t(chunk) * count;
    std::fill_n(partial, count, 0.0f);
    const int first = chunks.first(int(chunk));
    for (int n = first; n < first + chunks.size(int(chunk)); ++n)
      for (int p = 0; p < spec.out_height(); ++p)
        scatter_row(spec, rows, columns, p, x + std::size_t(n) * x_image,
                    dy + std::size_t(n * spec.out_height() + p) * dy_row, partial);
  });
  for_each_weight(spec, Last::out_channels, [&](std::size_t plain, std::size_t at) {
    float sum = partials[at];
    for (int chunk = 1; chunk < chunks.count(); ++chunk) sum += partials[std::size_t(chunk) * count + at];
    dw[plain] = sum;
  });
}

}  // namespace rlnas
