#include "bench/machine.h"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <string>

#include "apps/passive_waiting.h"
#include "kernels/backend.h"
#include "kernels/check.h"

namespace rlnas::bench {
namespace {

std::map<int, Machine>& machines() {
  static std::map<int, Machine> all;
  return all;
}

void add_to_context(const std::string& name, int threads, double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", value);
  benchmark::AddCustomContext(name + "_threads_" + std::to_string(threads), text);
}

// The context is printed above the results and heads the JSON file.
void measure(int threads) {
  Machine machine;
  machine.peaks = measure_machine_peaks(threads);
  machine.far_read_gbs = read_bandwidth_gbs(threads, kFarBytes);
  machine.far_copy_gbs = copy_bandwidth_gbs(threads, kFarBytes);
  machines()[threads] = machine;
  add_to_context("fma_peak_gflops", threads, machine.peaks.fma_gflops);
  add_to_context("read_gbs_512KiB_per_thread", threads, machine.peaks.cache_read_gbs);
  add_to_context("read_gbs_64MiB", threads, machine.peaks.memory_read_gbs);
  add_to_context("copy_gbs_64MiB", threads, machine.peaks.memory_copy_gbs);
  add_to_context("read_gbs_1GiB", threads, machine.far_read_gbs);
  add_to_context("copy_gbs_1GiB", threads, machine.far_copy_gbs);
}

}  // namespace

std::vector<int> thread_counts() {
  const int cores = cpu_cores();
  std::vector<int> counts;
  for (int threads = 1; threads < cores; threads *= 2) counts.push_back(threads);
  counts.push_back(cores);
  return counts;
}

const Machine& machine(int threads) {
  const auto found = machines().find(threads);
  RLNAS_CHECK(found != machines().end(), run_failed, "peaks were not measured on ", threads, " threads");
  return found->second;
}

int guarded_main(char** argv, const std::function<int()>& body) {
  wait_passively(argv);
  try {
    return body();
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return int(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return int(ErrorCode::run_failed);
  }
}

int bench_main(int argc, char** argv, void (*register_all)(), std::vector<std::string> defaults) {
  return guarded_main(argv, [&] {
    std::vector<char*> arguments{argv[0]};
    for (std::string& flag : defaults) arguments.push_back(flag.data());
    arguments.insert(arguments.end(), argv + 1, argv + argc);
    int count = int(arguments.size());
    arguments.push_back(nullptr);
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return int(ErrorCode::usage);
    for (const int threads : thread_counts()) measure(threads);
    register_all();
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
  });
}

double resident_mib() {
  std::ifstream file("/proc/self/statm");
  double total_pages = 0.0, resident_pages = 0.0;
  file >> total_pages >> resident_pages;
  return resident_pages * double(sysconf(_SC_PAGESIZE)) / double(1 << 20);
}

}  // namespace rlnas::bench
