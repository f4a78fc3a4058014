// The angle sums beside a plain read and what libraries offer: one command, one table, one JSON file. The
// axes: the tensors of the three SuperNets, of one checkpoint and of 16; one tensor, from 4 KiB to 1 GiB of
// w0 and w1 together; on the CPU 1 and all threads; `cold` and `warm`.
//
// NVBench's conventions: at least ten samples, until their noise is low or steady (samples.h); cold means
// that nothing of what a sample reads is in a cache, by flushing the device's, on the CPU by going on to
// other memory, kFarBytes of it, before any is used again; warm repeats the same buffers. Methods are sampled
// in turns, so that what else the machine does hits all alike. Shares are of medians: of `read`, and of the
// device's peak from its memory's clock and width. Before and after, sums are compared with fp64 and with
// each other, bit for bit.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <regex>
#include <string>
#include <vector>

#include "bench/angle_method.h"
#include "bench/angle_report.h"
#include "bench/device.h"
#include "bench/device_timer.h"
#include "bench/machine.h"
#include "bench/samples.h"
#include "engine/device_bytes.h"
#include "engine/philox.h"
#include "search/spaces.h"

namespace rlnas::bench {
namespace {

enum class Cache { cold, warm };

struct Point {
  std::string layout;
  SegmentTable table;
  int checkpoints = 1;
  int threads = 0;
  Cache cache = Cache::cold;

  std::string name() const {
    return layout + "/checkpoints:" + std::to_string(checkpoints) +
           (threads > 0 ? "/threads:" + std::to_string(threads) : "") +
           (cache == Cache::cold ? "/cold" : "/warm");
  }
  int buffers() const { return 1 + checkpoints; }
  // Floats from one buffer to the next, off the powers of two whose lines share a place in a cache.
  std::size_t stride() const { return std::size_t(table.buffer_count()) + 80; }
  std::size_t set_bytes() const { return stride() * std::size_t(buffers()) * sizeof(float); }
};

std::vector<Point> points(const std::regex& wanted) {
  struct Layout {
    std::string name;
    SegmentTable table;
    std::vector<int> checkpoints;
  };
  std::vector<Layout> layouts;
  for (const auto& [space, classes] :
       {std::pair{"nasbench201", 10}, {"darts-cifar", 10}, {"mobilenet", 1000}})
    layouts.push_back({space, supernet_segments(space, classes), {1, TakeAngleSums::kMaxCheckpoints}});
  for (const std::int64_t kib : {4, 32, 256, 2 << 10, 16 << 10, 128 << 10, 512 << 10, 1 << 20}) {
    SegmentTable table;
    table.add("w", {kib * 1024 / std::int64_t(2 * sizeof(float))});
    layouts.push_back(
        {kib < 1024 ? std::to_string(kib) + "KiB" : std::to_string(kib >> 10) + "MiB", table, {1}});
  }
  std::vector<Point> all;
  for (const Layout& layout : layouts)
    for (const int checkpoints : layout.checkpoints)
      for (const int threads : thread_counts())
        for (const Cache cache : {Cache::cold, Cache::warm}) {
          Point point{layout.name, layout.table, checkpoints, threads, cache};
          if (std::regex_search(point.name(), wanted)) all.push_back(std::move(point));
        }
  return all;
}

// Memory that all points take their buffers from, filled with numbers in -1..1.
class Arena {
 public:
  Arena(Backend& backend, std::size_t bytes)
      : floats_(bytes / sizeof(float)), memory_(backend, floats_ * sizeof(float)) {
    RandomStream random(0, "angle bench");
    std::vector<float> values(std::size_t{1} << 20);
    for (float& value : values) value = 2.0f * random.uniform() - 1.0f;
    for (std::size_t at = 0; at < floats_;) {
      const std::size_t from = at / 977 % (values.size() / 2);  // another part of the numbers each time
      const std::size_t count = std::min(values.size() - from, floats_ - at);
      backend.upload(memory_.as<float>() + at, values.data() + from, count * sizeof(float));
      at += count;
    }
    backend.synchronize();
  }

  // On the CPU, cold, as many sets as fit, in an order in which no set follows its neighbour.
  std::vector<AngleOperands::Set> sets(const Point& point) const {
    const std::size_t fit = floats_ * sizeof(float) / point.set_bytes();
    const std::size_t count = on_cpu() && point.cache == Cache::cold ? fit : 1;
    std::vector<AngleOperands::Set> sets;
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t step = count / 3 + 1;
      while (std::gcd(step, count) != 1) ++step;
      const float* const first =
          memory_.as<float>() + i * step % count * point.stride() * std::size_t(point.buffers());
      AngleOperands::Set set{first, {}};
      for (int c = 1; c <= point.checkpoints; ++c) set.w1.push_back(first + std::size_t(c) * point.stride());
      sets.push_back(std::move(set));
    }
    return sets;
  }

 private:
  std::size_t floats_;
  DeviceBytes memory_;
};

std::size_t arena_bytes(const std::vector<Point>& all) {
  std::size_t bytes = on_cpu() ? kFarBytes : 0;
  for (const Point& point : all) bytes = std::max(bytes, point.set_bytes());
  return bytes;
}

// The whole buffer's sums of the first set, in long double on the host.
std::vector<AngleSums> exact_sums(const AngleOperands& operands) {
  const auto host_copy = [&](const float* device) {
    std::vector<float> host(std::size_t(operands.table.buffer_count()));
    operands.backend.download(host.data(), device, host.size() * sizeof(float));
    return host;
  };
  const AngleOperands::Set& set = operands.sets.front();
  const std::vector<float> w0 = host_copy(set.w0);
  std::vector<AngleSums> sums;
  for (const float* const device : set.w1) {
    const std::vector<float> w1 = host_copy(device);
    long double dot = 0.0L, norm0_sq = 0.0L, norm1_sq = 0.0L;
    for (const Segment& segment : operands.table)
      for (std::size_t i = std::size_t(segment.offset); i < std::size_t(segment.offset + segment.count);
           ++i) {
        const double a = w0[i], b = w1[i];
        dot += a * b;
        norm0_sq += a * a;
        norm1_sq += b * b;
      }
    sums.push_back({double(dot), double(norm0_sq), double(norm1_sq)});
  }
  return sums;
}

class Contender {
 public:
  Contender(const AngleMethodKind& kind, const AngleOperands& operands)
      : kind_(kind), operands_(operands), method_(kind.make(operands)) {}

  const AngleMethodKind& kind() const { return kind_; }
  std::vector<AngleSums> sums_of_first_set() {
    method_->run(0);
    return method_->sums();
  }
  // How many calls make a sample: long enough for the clock, and on the CPU never a set twice in one.
  void set_calls(const Point& point) {
    constexpr double kLeastSample_s = 100e-6;
    if (point.cache == Cache::cold && !on_cpu()) return;  // a flushed cache is cold once
    const double call_s = std::max(1e-9, device_time_s(operands_.backend, [&] { run_next(); }));
    const std::size_t most = point.cache == Cache::cold ? operands_.sets.size() : 100'000;
    calls_ = int(std::clamp<std::size_t>(std::size_t(kLeastSample_s / call_s), 1, most));
  }
  void sample(const Point& point) {
    if (point.cache == Cache::cold) flush_device_cache(operands_.backend);
    const double time_s = device_time_s(operands_.backend, [&] {
      for (int call = 0; call < calls_; ++call) run_next();
    });
    samples_.add(time_s / calls_);
  }
  const Samples& samples() const { return samples_; }

 private:
  void run_next() {
    method_->run(int(next_));
    next_ = (next_ + 1) % operands_.sets.size();
  }

  AngleMethodKind kind_;
  const AngleOperands& operands_;
  std::unique_ptr<AngleMethod> method_;
  Samples samples_;
  int calls_ = 1;
  std::size_t next_ = 0;
};

bool same_bits(const std::vector<AngleSums>& a, const std::vector<AngleSums>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(AngleSums)) == 0;
}

std::vector<AngleRow> measure_point(const Point& point, const Arena& arena, const StopRule& rule) {
  const auto backend = make_backend({.threads = point.threads});
  const AngleOperands operands{*backend, point.threads, point.table, arena.sets(point)};
  const std::vector<AngleSums> exact = exact_sums(operands);
  std::vector<Contender> contenders;
  std::vector<std::vector<AngleSums>> before;
  for (const AngleMethodKind& kind : angle_methods()) {
    if (kind.name == "three_plain_dots" && point.checkpoints > 1) continue;  // takes half a minute
    contenders.emplace_back(kind, operands);
    before.push_back(contenders.back().sums_of_first_set());
    contenders.back().set_calls(point);
  }
  const auto start = std::chrono::steady_clock::now();
  const auto all_enough = [&] {
    const double spent_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::all_of(contenders.begin(), contenders.end(),
                       [&](const Contender& contender) { return contender.samples().enough(rule, spent_s); });
  };
  while (!all_enough())
    for (Contender& contender : contenders) contender.sample(point);

  std::vector<AngleRow> rows;
  const double elements = double(point.table.element_count()) * point.buffers();
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    AngleRow row{.method = contenders[i].kind().name,
                 .point = point.name(),
                 .bytes = contenders[i].kind().element_bytes * elements,
                 .time = contenders[i].samples().summary()};
    if (contenders.front().kind().name == "read") row.compare_with(rows.empty() ? row : rows.front());
    if (const double peak_gbs = theoretical_gbs(); peak_gbs > 0.0)
      row.share_of_peak = row.gb_per_s() / peak_gbs;
    if (!before[i].empty()) {
      row.error = worst_angle_error(before[i], exact);
      row.same_bits = same_bits(before[i], contenders[i].sums_of_first_set());
    }
    rows.push_back(row);
  }
  return rows;
}

int run(std::vector<char*>& arguments) {
  AngleReportOptions report;
  StopRule rule;
  std::string filter;
  const auto take_number = [&](const char* flag, double& value) {
    const std::string text = take_flag(arguments, flag);
    if (text.empty()) return;
    char* end = nullptr;
    value = std::strtod(text.c_str(), &end);
    RLNAS_CHECK(*end == '\0' && value > 0.0, usage, flag, " ", text, ": not a positive number");
  };
  take_number("--seconds", rule.most_s);
  take_number("--noise", rule.enough_noise);
  report.out = take_flag(arguments, "--out");
  report.numpy = take_flag(arguments, "--numpy");
  filter = take_flag(arguments, "--filter");
  if (const std::string blas = take_flag(arguments, "--blas"); !blas.empty()) use_blas(blas);
  RLNAS_CHECK(
      arguments.size() == 1, usage, "unknown argument ", arguments.back(),
      "; known: --device --filter REGEX --seconds S --noise SHARE --blas LIBRARY --numpy COMMAND --out FILE");
  const std::vector<Point> all = points(std::regex(filter));
  RLNAS_CHECK(!all.empty(), usage, "--filter ", filter, ": no point of the axes has such a name");

  const auto backend = make_backend({.threads = 1});
  AngleReport table(report, *backend);
  const Arena arena(*backend, arena_bytes(all));
  for (const Point& point : all) {
    table.add(measure_point(point, arena, rule));
    if (!report.numpy.empty() && on_cpu() && point.checkpoints == 1)
      table.add_numpy({.point = point.name(),
                       .floats = point.table.buffer_count(),
                       .threads = point.threads,
                       .cold = point.cache == Cache::cold,
                       .seconds = rule.most_s});
  }
  return table.finish();
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  return rlnas::bench::guarded_main(argc, argv, rlnas::bench::run);
}
