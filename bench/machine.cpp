#include "bench/machine.h"

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/passive_waiting.h"
#include "bench/device.h"
#include "bench/device_copy.h"
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
void measure_cpu(int threads) {
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

void measure_device() {
  const std::unique_ptr<Backend> backend = make_backend();
  Machine machine;
  machine.peaks.memory_copy_gbs = device_copy_gbs(*backend, MachinePeaks::kMemoryBytes);
  machine.far_copy_gbs = device_copy_gbs(*backend, kFarBytes);
  machines()[0] = machine;
  benchmark::AddCustomContext("device", backend->description());
  add_to_context("device_copy_gbs_64MiB", 0, machine.peaks.memory_copy_gbs);
  add_to_context("device_copy_gbs_1GiB", 0, machine.far_copy_gbs);
}

}  // namespace

const Machine& machine(int threads) {
  const auto found = machines().find(threads);
  RLNAS_CHECK(found != machines().end(), run_failed, "peaks were not measured on ", threads, " threads");
  return found->second;
}

double read_yardstick_gbs(Backend& backend, int threads, std::size_t bytes) {
  return on_cpu() ? read_bandwidth_gbs(threads, bytes) : device_copy_gbs(backend, bytes);
}

double copy_yardstick_gbs(Backend& backend, int threads, std::size_t bytes) {
  return on_cpu() ? copy_bandwidth_gbs(threads, bytes) : device_copy_gbs(backend, bytes);
}

int guarded_main(int argc, char** argv, const std::function<int(std::vector<char*>&)>& body) {
  wait_passively(argv);
  try {
    std::vector<char*> arguments(argv, argv + argc);
    take_device(arguments);
    return body(arguments);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return int(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
    return int(ErrorCode::run_failed);
  }
}

void measure() {
  if (!on_cpu()) return measure_device();
  for (const int threads : thread_counts()) measure_cpu(threads);
}

int run_benchmarks(std::vector<char*>& arguments, const std::function<void()>& register_all) {
  int count = int(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return int(ErrorCode::usage);
  register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

int bench_main(int argc, char** argv, void (*register_all)(), std::vector<std::string> defaults) {
  return guarded_main(argc, argv, [&](std::vector<char*>& arguments) {
    for (auto flag = defaults.rbegin(); flag != defaults.rend(); ++flag)
      arguments.insert(arguments.begin() + 1, flag->data());
    return run_benchmarks(arguments, [&] {
      measure();
      register_all();
    });
  });
}

double resident_mib() {
  std::ifstream file("/proc/self/statm");
  double total_pages = 0.0, resident_pages = 0.0;
  file >> total_pages >> resident_pages;
  return resident_pages * double(sysconf(_SC_PAGESIZE)) / double(1 << 20);
}

}  // namespace rlnas::bench
