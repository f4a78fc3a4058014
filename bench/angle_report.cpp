#include "bench/angle_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/device.h"
#include "bench/device_timer.h"
#include "engine/atomic_file.h"
#include "engine/device.h"
#include "kernels/check.h"

namespace rlnas::bench {
namespace {

using Json = nlohmann::ordered_json;

// "model name" and "cpu MHz" of the first processor, as /proc/cpuinfo has them.
std::vector<std::pair<std::string, std::string>> cpu_facts() {
  std::vector<std::pair<std::string, std::string>> facts;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || colon + 2 > line.size()) continue;
    if (line.starts_with("model name")) facts.emplace_back("cpu_model", line.substr(colon + 2));
    if (line.starts_with("cpu MHz")) facts.emplace_back("cpu_mhz", line.substr(colon + 2));
    if (line.starts_with("cache size")) facts.emplace_back("last_level_cache", line.substr(colon + 2));
  }
  facts.emplace_back("cores_of_this_process", std::to_string(cpu_cores()));
  return facts;
}

std::vector<std::pair<std::string, std::string>> facts_of(Backend& backend) {
  std::vector<std::pair<std::string, std::string>> facts = on_cpu() ? cpu_facts() : device_facts(backend);
  facts.insert(facts.begin(), {"device", backend.description()});
  return facts;
}

Json json_of(const AngleRow& row) {
  const std::string name = row.method + "/" + row.point;
  Json json = {{"name", name},
               {"run_name", name},
               {"run_type", "iteration"},
               {"iterations", row.time.samples},
               {"real_time", 1e6 * row.time.median_s},
               {"cpu_time", 1e6 * row.time.median_s},
               {"time_unit", "us"},
               {"p5_us", 1e6 * row.time.p5_s},
               {"p95_us", 1e6 * row.time.p95_s},
               {"fastest_us", 1e6 * row.time.fastest_s},
               {"noise", row.time.noise},
               {"gb_per_s", row.gb_per_s()},
               {"share_of_read", row.share_of_read},
               {"best_share_of_read", row.best_share_of_read}};
  if (row.share_of_peak > 0.0) json["share_of_peak"] = row.share_of_peak;
  if (row.error >= 0.0) json["error"] = row.error;
  json["same_bits"] = row.same_bits;
  return json;
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  RLNAS_CHECK(pipe, run_failed, "cannot start ", command);
  std::string output;
  char part[4096];
  for (std::size_t count; (count = std::fread(part, 1, sizeof part, pipe.get())) > 0;)
    output.append(part, count);
  return output;
}

}  // namespace

double worst_angle_error(const std::vector<AngleSums>& got, const std::vector<AngleSums>& exact) {
  const std::size_t parts = got.size() / exact.size();
  double worst = 0.0;
  for (std::size_t c = 0; c < exact.size(); ++c) {
    AngleSums sum;
    for (std::size_t part = 0; part < parts; ++part) sum += got[c * parts + part];
    const AngleSums& right = exact[c];
    worst = std::max({worst, std::abs(sum.dot - right.dot) / std::sqrt(right.norm0_sq * right.norm1_sq),
                      std::abs(sum.norm0_sq / right.norm0_sq - 1.0),
                      std::abs(sum.norm1_sq / right.norm1_sq - 1.0)});
  }
  return worst;
}

AngleReport::AngleReport(const AngleReportOptions& options, Backend& backend)
    : options_(options), backend_(backend), context_(facts_of(backend)) {
  for (const auto& [name, text] : context_) std::printf("%s: %s\n", name.c_str(), text.c_str());
  std::printf("\n%-26s %-44s %6s %11s %11s %11s %7s %8s %7s %7s %7s %8s %s\n", "method", "point", "n",
              "median us", "p5 us", "p95 us", "noise", "GB/s", "of read", "best", "of peak", "error", "bits");
}

void AngleReport::print(const AngleRow& row) const {
  const auto share = [](double value) {
    char text[16] = "-";
    if (value > 0.0) std::snprintf(text, sizeof text, "%.3f", value);
    return std::string(text);
  };
  char error[16] = "-";
  if (row.error >= 0.0) std::snprintf(error, sizeof error, "%.0e", row.error);
  std::printf("%-26s %-44s %6d %11.2f %11.2f %11.2f %6.1f%% %8.2f %7s %7s %7s %8s %s\n", row.method.c_str(),
              row.point.c_str(), row.time.samples, 1e6 * row.time.median_s, 1e6 * row.time.p5_s,
              1e6 * row.time.p95_s, 100.0 * row.time.noise, row.gb_per_s(), share(row.share_of_read).c_str(),
              share(row.best_share_of_read).c_str(), share(row.share_of_peak).c_str(), error,
              row.error < 0.0 ? "-"
              : row.same_bits ? "same"
                              : "CHANGED");
  std::fflush(stdout);
}

void AngleReport::add(const std::vector<AngleRow>& rows) {
  for (const AngleRow& row : rows) {
    print(row);
    rows_.push_back(row);
  }
}

void AngleReport::add_numpy(const NumpyProblem& problem) {
  std::ostringstream command;
  command << "OPENBLAS_NUM_THREADS=" << problem.threads << ' ' << options_.numpy << " --json --floats "
          << problem.floats << " --seconds " << problem.seconds << (problem.cold ? " --cold" : "");
  const Json json = Json::parse(output_of(command.str()), nullptr, false);
  RLNAS_CHECK(json.is_object() && json.contains("median_s"), run_failed, "--numpy: no result from ",
              command.str());
  AngleRow row{.method = "numpy_dots",
               .point = problem.point,
               .bytes = 2.0 * sizeof(float) * double(problem.floats),
               .time = {.samples = json["samples"],
                        .median_s = json["median_s"],
                        .p5_s = json["p5_s"],
                        .p95_s = json["p95_s"],
                        .fastest_s = json["fastest_s"],
                        .noise = json["noise"]},
               .error = json["error"],
               .same_bits = json["same_bits"]};
  for (const AngleRow& other : rows_)
    if (other.method == "read" && other.point == row.point) row.compare_with(other);
  add({row});
}

int AngleReport::finish() {
  if (!options_.out.empty()) {
    Json context = Json::object();
    for (const auto& [name, text] : context_) context[name] = text;
    // Once more: clocks may have changed meanwhile.
    for (const auto& [name, text] : facts_of(backend_)) context[name + "_at_the_end"] = text;
    Json rows = Json::array();
    for (const AngleRow& row : rows_) rows.push_back(json_of(row));
    AtomicFile file(options_.out);
    file.write(Json{{"context", context}, {"benchmarks", rows}}.dump(1) + "\n");
    file.commit();
  }
  return std::all_of(rows_.begin(), rows_.end(), [](const AngleRow& row) { return row.same_bits; }) ? 0 : 1;
}

}  // namespace rlnas::bench
