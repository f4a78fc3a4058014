#include "engine/profile_report.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace rlnas {
namespace {

using Json = nlohmann::ordered_json;

template <class... Values>
std::string format(const char* pattern, const Values&... values) {
  char text[256];
  std::snprintf(text, sizeof(text), pattern, values...);
  return text;
}

class Table {
 public:
  explicit Table(const Profile& profile) : profile_(profile) {
    name_width_ = int(std::string("waiting for data").size());
    for (const auto* rows : {&profile.ops, &profile.stages})
      for (const ProfileRow& row : *rows) name_width_ = std::max(name_width_, int(row.name.size()));
  }

  void heading(const char* first) {
    text_ +=
        format("%-*s  calls        ms    share  GFLOP/s    GB/s  of limit  bound by\n", name_width_, first);
  }

  void row(const ProfileRow& row) {
    text_ += format("%-*s  %5.1f", name_width_, row.name.c_str(), double(row.calls) / steps());
    time(row.time_ns);
    const double time_ns = double(std::max<std::int64_t>(row.time_ns, 1));
    text_ += format("  %7.1f  %6.1f", double(row.flops) / time_ns, double(row.bytes) / time_ns);
    const double bound_ns = row.flops_bound_ns + row.bytes_bound_ns;
    if (bound_ns > 0.0)
      text_ += format("  %6.1f %%  %s", 100.0 * bound_ns / time_ns,
                      row.flops_bound_ns >= row.bytes_bound_ns ? "flops" : "bytes");
    text_ += "\n";
  }

  void row_in_no_call(const char* name, std::int64_t time_ns) {
    text_ += format("%-*s       ", name_width_, name);
    time(time_ns);
    text_ += "\n";
  }

  void line(const std::string& text) { text_ += text + "\n"; }
  std::string text() const { return text_; }

 private:
  double steps() const { return double(std::max<std::int64_t>(profile_.steps, 1)); }

  void time(std::int64_t time_ns) {
    const double step_ns = double(std::max<std::int64_t>(profile_.total.time_ns, 1));
    text_ += format("  %8.3f  %5.1f %%", double(time_ns) / steps() / 1e6, 100.0 * double(time_ns) / step_ns);
  }

  const Profile& profile_;
  int name_width_;
  std::string text_;
};

// A complete event; times in microseconds from `origin_ns`.
Json event(const std::string& name, const char* category, int track, std::int64_t origin_ns,
           std::int64_t start_ns, std::int64_t duration_ns) {
  return {{"name", name},
          {"cat", category},
          {"ph", "X"},
          {"ts", double(start_ns - origin_ns) / 1e3},
          {"dur", double(duration_ns) / 1e3},
          {"pid", 1},
          {"tid", track}};
}

// Two decimals keep the file small and readable.
double rounded(double value) {
  return double(std::int64_t(value * 100.0 + 0.5)) / 100.0;
}

Json arguments(const TimedCall& timed, const ProfileLimits& limits) {
  const RecordedCall& call = timed.call;
  const double time_ns = double(std::max<std::int64_t>(timed.duration_ns, 1));
  Json args = {{"shape", call.shape},
               {"stage", timed.stage},
               {"pass", timed.direction == Direction::backward ? "backward" : "forward"},
               {"GFLOP/s", rounded(double(call.flops) / time_ns)},
               {"GB/s", rounded(double(call.bytes) / time_ns)}};
  const double by_flops = limits.flops_time_ns(call), by_bytes = limits.bytes_time_ns(call);
  if (limits.known()) {
    args["% of limit"] = rounded(100.0 * std::max(by_flops, by_bytes) / time_ns);
    args["bound by"] = by_flops >= by_bytes ? "flops" : "bytes";
  }
  return args;
}

}  // namespace

std::string profile_report(const Profile& profile) {
  const std::string& unit = profile.total.name;
  if (profile.steps == 0) return "profile: no " + unit + " was measured; run more\n";
  Table table(profile);
  const ProfileLimits& limits = profile.limits;
  table.line(format("where the time of a %s goes (mean of %lld %ss)", unit.c_str(),
                    static_cast<long long>(profile.steps), unit.c_str()));
  if (limits.known())
    table.line(format("limits measured here: %.0f GFLOP/s; %.1f GB/s, %.0f where all operands fit %.1f MiB",
                      limits.fma_gflops, limits.memory_gbs, limits.cache_gbs,
                      double(limits.cache_bytes) / (1 << 20)));
  std::vector<ProfileRow> ops = profile.ops;
  std::stable_sort(ops.begin(), ops.end(),
                   [](const ProfileRow& a, const ProfileRow& b) { return a.time_ns > b.time_ns; });
  table.heading("operation");
  std::int64_t in_calls_ns = 0;
  for (const ProfileRow& row : ops) {
    table.row(row);
    in_calls_ns += row.time_ns;
  }
  table.row_in_no_call("waiting for data", profile.data_wait_ns);
  table.row_in_no_call("in no operation", profile.total.time_ns - in_calls_ns - profile.data_wait_ns);
  table.row(profile.total);
  table.heading("stage");
  for (const ProfileRow& row : profile.stages) table.row(row);
  return table.text();
}

std::string chrome_trace(std::span<const ProfiledStep> steps, const ProfileLimits& limits) {
  constexpr int kSteps = 1, kOps = 2;  // tracks
  Json events = Json::array();
  for (const auto& [track, name] : {std::pair{kSteps, "steps"}, std::pair{kOps, "operations"}})
    events.push_back(
        {{"name", "thread_name"}, {"ph", "M"}, {"pid", 1}, {"tid", track}, {"args", {{"name", name}}}});
  const std::int64_t origin_ns = steps.empty() ? 0 : steps.front().start_ns;
  for (const ProfiledStep& step : steps) {
    events.push_back(event("step " + std::to_string(step.step), "step", kSteps, origin_ns, step.start_ns,
                           step.duration_ns));
    events.push_back(event("waiting for data", "wait", kOps, origin_ns, step.start_ns, step.data_wait_ns));
    for (const TimedCall& timed : step.calls) {
      events.push_back(event(timed.call.primitive, "op", kOps, origin_ns, timed.start_ns, timed.duration_ns));
      events.back()["args"] = arguments(timed, limits);
    }
  }
  const Json trace = {{"displayTimeUnit", "ms"}, {"traceEvents", std::move(events)}};
  return trace.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace rlnas
