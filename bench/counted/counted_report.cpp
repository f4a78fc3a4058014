#include "bench/counted/counted_report.h"

#include <cstdarg>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/counted/device_limits.h"
#include "kernels/words.h"

namespace rlnas::bench {
namespace {

using Json = nlohmann::ordered_json;

__attribute__((format(printf, 1, 2))) std::string text(const char* format, ...) {
  char line[512];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  return line;
}

Json json_of(const CountedWork& work) {
  Json json = {{"name", work.name},
               {"calls", work.calls},
               {"kernels", work.kernels},
               {"read_bytes", work.read_bytes},
               {"written_bytes", work.written_bytes},
               {"flops", work.flops},
               {"least_ms", 1e3 * work.least_s}};
  if (!work.assumption.empty()) json["assumption"] = work.assumption;
  return json;
}

Json json_of(const std::vector<CountedWork>& works) {
  Json json = Json::array();
  for (const CountedWork& work : works) json.push_back(json_of(work));
  return json;
}

Json json_of(const CountedStep& step) {
  return {{"space", step.of.space},
          {"batch", step.of.batch},
          {"precision", word_of(step.of.precision)},
          {"device", step.of.device},
          {"graphs", step.of.graphs == GraphCapture::stages ? "stages" : "off"},
          {"paths", step.paths},
          {"kernels", step.all.kernels},
          {"own_kernels", step.own_kernels},
          {"library_calls", step.library_calls},
          {"library_kernels_assumed", step.library_kernels},
          {"copies", step.copies},
          {"queued", step.queued},
          {"captured", step.captured},
          {"event_calls", step.events},
          {"graph_calls", step.graph_calls},
          {"host_waits", step.host_waits},
          {"host_waits_for_the_same_step", step.host_waits_at_once},
          {"read_bytes", step.all.read_bytes},
          {"written_bytes", step.all.written_bytes},
          {"assumed_bytes", step.assumed_bytes},
          {"copied_to_device_bytes", step.copied_to_device_bytes},
          {"flops", step.all.flops},
          {"weights", step.weights},
          {"scratch_bytes", step.scratch_bytes},
          {"arena_bytes", step.arena_bytes},
          {"fixed_bytes", step.fixed_bytes},
          {"fits", step.arena_bytes + step.fixed_bytes < limits_of(step.of.device).memory_bytes},
          {"device_least_ms", 1e3 * step.device_s},
          {"host_least_ms", 1e3 * step.host_s},
          {"least_ms", 1e3 * step.least_s()},
          {"by_primitive", json_of(step.by_primitive)},
          {"by_kernel", json_of(step.by_kernel)}};
}

double gb(double bytes) {
  return bytes / 1e9;
}

}  // namespace

std::string table_head() {
  return "| space | N | type | kernels | own | lib | waits | now | GB | assumed | GFLOP | "
         "scratch | "
         "memory | device | host |\n"
         "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|";
}

std::string table_line(const CountedStep& step) {
  const CountedCase& of = step.of;
  return text(
      "| %s | %d | %s%s | %.0f | %.0f | %.0f | %.0f | %.0f | %.3g | %.3g | %.4g | %.0f | %.1f | "
      "%.3g | %.3g |",
      of.space.c_str(), of.batch, word_of(of.precision), of.graphs == GraphCapture::stages ? ", graphs" : "",
      step.all.kernels, step.own_kernels, step.library_calls, step.host_waits, step.host_waits_at_once,
      gb(step.all.read_bytes + step.all.written_bytes), gb(step.assumed_bytes), step.all.flops / 1e9,
      step.scratch_bytes / double(1 << 20), gb(step.arena_bytes + step.fixed_bytes), 1e3 * step.device_s,
      1e3 * step.host_s);
}

std::string table_of_kernels(const CountedStep& step, int count) {
  std::string lines = "| work | calls | kernels | GB | GFLOP | least ms |\n|---|--:|--:|--:|--:|--:|\n";
  for (int i = 0; i < count && i < int(step.by_kernel.size()); ++i) {
    const CountedWork& work = step.by_kernel[std::size_t(i)];
    lines += text("| %s | %.0f | %.0f | %.3g | %.4g | %.3g |\n", work.name.c_str(), work.calls, work.kernels,
                  gb(work.read_bytes + work.written_bytes), work.flops / 1e9, 1e3 * work.least_s);
  }
  return lines;
}

std::string json_of(std::span<const CountedStep> steps) {
  Json json = {{"label", "counted"},
               {"constants", {{"gap_us", 1e6 * kGapSeconds}, {"queue_us", 1e6 * kQueueSeconds}}}};
  for (const DeviceLimits& limits : kDevices)
    json["constants"][limits.name] = {{"gb_per_s", gb(limits.bytes_per_s)},
                                      {"fp32_tflops", limits.fp32_flops / 1e12},
                                      {"tf32_tflops", limits.tf32_flops / 1e12},
                                      {"bf16_tflops", limits.bf16_flops / 1e12}};
  json["steps"] = Json::array();
  for (const CountedStep& step : steps) json["steps"].push_back(json_of(step));
  return json.dump(1) + "\n";
}

}  // namespace rlnas::bench
