// The training step of the MobileNet SuperNet at 224 px over six fixed paths, for compare_step.py --space
// mobilenet, and a profile of it.
//
//   rlnas_bench_mobilenet --serve BATCH THREADS direct|winograd    the protocol of rlnas_bench_step --serve
//   rlnas_bench_mobilenet --profile BATCH THREADS [--calls]        tables by operation and stage; with
//   --calls,
//                                                                  each problem of its own instead
#include <algorithm>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "bench/device.h"
#include "bench/machine.h"
#include "engine/philox.h"
#include "engine/profile_report.h"
#include "kernels/dry/dry_backend.h"
#include "search/mobilenet/supernet.h"
#include "search/training_state.h"

namespace rlnas::bench {
namespace {

using mobilenet::Architecture;
using mobilenet::Supernet;

constexpr int kImageSize = 224, kClasses = 1000;

// Drawn uniformly by Python's random.Random(1); bench/baselines/pytorch_mobilenet.py draws the same.
constexpr const char* kPaths[] = {"1 4 -1 -1 | 0 2 0 3 | 3 3 5 3 | 1 0 3 0 | 3 3 4 -1 | 0",
                                  "5 3 2 5 | 1 4 0 2 | 0 0 0 5 | 4 0 3 5 | 1 3 5 0 | 4",
                                  "1 -1 3 3 | 4 1 2 1 | 5 1 -1 3 | 2 0 3 -1 | 4 5 0 1 | 5",
                                  "5 -1 2 0 | 5 2 5 5 | 4 3 4 -1 | 5 1 2 2 | 4 3 -1 4 | 3",
                                  "4 -1 0 3 | 1 5 -1 3 | 3 5 1 2 | 4 5 -1 5 | 5 2 0 3 | 5",
                                  "4 0 -1 1 | 4 -1 3 2 | 3 5 0 3 | 0 2 5 -1 | 4 4 4 3 | 5"};

std::vector<Architecture> paths() {
  std::vector<Architecture> architectures;
  for (const char* text : kPaths) architectures.push_back(mobilenet::parse_architecture(text));
  return architectures;
}

Architecture largest_path() {
  Architecture architecture;
  architecture.ops.fill(mobilenet::Op::k7e6);
  return architecture;
}

TrainingState::Forward forward_of(const Supernet& supernet, const Architecture& path) {
  return [&supernet, path](Context& context, const Tensor& images) {
    return supernet.forward(context, images, path);
  };
}

HostBatch make_batch(int count) {
  RandomStream random(0, "bench-batch");
  HostBatch batch;
  batch.count = count;
  batch.params.resize(std::size_t(count));
  batch.images.resize(std::size_t(count) * kImageSize * kImageSize * AugmentSpec::kChannels);
  for (std::uint8_t& pixel : batch.images) pixel = std::uint8_t(random.below(256));
  for (int i = 0; i < count; ++i) batch.labels.push_back(std::int32_t(random.below(kClasses)));
  return batch;
}

StepSpec make_spec() {
  StepSpec spec;
  spec.augment.height = spec.augment.width = kImageSize;
  spec.augment.mean.fill(127.5f);
  spec.augment.inv_std.fill(1.0f / 64.0f);
  spec.sgd = {.learning_rate = 0.25f, .momentum = 0.9f, .weight_decay = 4e-5f, .clip = {.limit = 5.0f}};
  spec.unsampled = Unsampled::freeze;  // as PyTorch with gradients set to none
  spec.label_smoothing = 0.1f;
  return spec;
}

std::size_t arena_bytes(const Supernet& supernet, Backend& like, int batch_size) {
  const auto dry = make_dry_backend(nullptr, &like);
  TrainingState state(*dry, supernet.layout(), std::size_t{1} << 44);
  HostBatch batch;
  batch.count = batch_size;
  state.step(forward_of(supernet, largest_path()), batch, make_spec());
  return state.arena().peak_bytes();
}

// Of convolutions and classifier, forward and both gradients.
double step_gflop(const Supernet& supernet, const Architecture& path, int batch_size) {
  std::vector<RecordedCall> calls;
  const auto dry = make_dry_backend(&calls, nullptr);
  TrainingState state(*dry, supernet.layout(), std::size_t{1} << 44);
  HostBatch batch;
  batch.count = batch_size;
  state.step(forward_of(supernet, path), batch, make_spec());
  double flops = 0.0;
  for (const RecordedCall& call : calls) {
    if (call.conv)
      flops += double(call.conv->macs()) * (call.primitive == "conv_norm_forward" ? 2.0 : 4.0);
    else if (call.primitive.starts_with("linear"))
      flops += double(call.flops);
  }
  return flops / 1e9;
}

class Session {
 public:
  Session(Backend& backend, int batch_size)
      : backend_(backend),
        supernet_({.classes = kClasses}),
        batch_(make_batch(batch_size)),
        state_(backend, supernet_.layout(), arena_bytes(supernet_, backend, batch_size)) {
    state_.parameters().weights().upload(supernet_.layout().initial_parameters(0));
    state_.statistics().upload(supernet_.layout().initial_statistics());
  }

  double run(const Architecture& path) {
    const std::int64_t start = now_ns();
    state_.step(forward_of(supernet_, path), batch_, make_spec());
    backend_.synchronize();
    return double(now_ns() - start) / 1e9;
  }
  double mean_gflop() const {
    double total = 0.0;
    for (const Architecture& path : paths()) total += step_gflop(supernet_, path, batch_.count);
    return total / double(std::size(kPaths));
  }

 private:
  Backend& backend_;
  Supernet supernet_;
  HostBatch batch_;
  TrainingState state_;
};

int serve(int batch_size, const CpuOptions& options) {
  const std::unique_ptr<Backend> backend = make_backend(options);
  Session session(*backend, batch_size);
  for (const Architecture& path : paths()) session.run(path);
  std::cout << "{\"ready\": true, \"gflop\": " << session.mean_gflop()
            << ", \"fma_peak_gflops\": " << (on_cpu() ? fma_peak_gflops(options.threads) : 0.0) << "}"
            << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    const char* separator = "{\"ms\": [";
    for (const Architecture& path : paths())
      std::cout << std::exchange(separator, ", ") << 1e3 * session.run(path);
    std::cout << "], \"rss_mib\": " << resident_mib() << "}" << std::endl;
  }
  return 0;
}

void print_calls(const Profile& profile) {
  std::cout << "      ms  calls  GFLOP/s   GB/s\n" << std::fixed << std::setprecision(1);
  for (const ProfileRow& row : profile.ops)
    std::cout << std::setw(8) << double(row.time_ns) / 1e6 / double(profile.steps) << std::setw(7)
              << row.calls << std::setw(9) << double(row.flops) / double(row.time_ns) << std::setw(7)
              << double(row.bytes) / double(row.time_ns) << "  " << row.name << '\n';
}

int profile(int batch_size, int threads, bool each_problem) {
  const std::unique_ptr<Backend> inner = make_backend({.threads = threads});
  std::vector<TimedCall> calls;
  const std::unique_ptr<Backend> backend = make_profiling_backend(*inner, &calls);
  Session session(*backend, batch_size);
  for (const Architecture& path : paths()) session.run(path);
  Profile profile;
  profile.limits = measure_profile_limits(threads);
  for (int round = 0; round < 3; ++round)
    for (const Architecture& path : paths()) {
      calls.clear();
      ProfiledStep step;
      step.start_ns = now_ns();
      session.run(path);
      step.duration_ns = now_ns() - step.start_ns;
      step.calls = calls;
      if (each_problem)
        for (TimedCall& call : step.calls) call.call.primitive += " " + call.call.shape;
      profile.add(step);
    }
  if (each_problem)
    print_calls(profile);
  else
    std::cout << profile_report(profile);
  return 0;
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  using namespace rlnas::bench;
  return guarded_main(argc, argv, [](const std::vector<char*>& arguments) {
    const std::vector<std::string> words(arguments.begin() + 1, arguments.end());
    const std::size_t count = words.size();
    RLNAS_CHECK(count >= 3, usage, "--serve or --profile, then BATCH THREADS");
    const int batch = std::stoi(words[1]), threads = std::stoi(words[2]);
    if (words[0] == "--profile") return profile(batch, threads, count > 3 && words[3] == "--calls");
    RLNAS_CHECK(words[0] == "--serve" && count == 4, usage, "--serve takes BATCH THREADS direct|winograd");
    const auto algorithm =
        words[3] == "winograd" ? rlnas::ConvAlgorithm::winograd : rlnas::ConvAlgorithm::direct;
    return serve(batch, {.threads = threads, .conv_algorithm = algorithm});
  });
}
