// The training step of any search space over the paths of its first steps, as rlnas_train runs it but for the
// data loader: ms a step, images/s, GFLOP/s and share of the measured FMA peak, memory against the plan.
//
//   rlnas_bench_space_step [--device D] --space S [--batch N] [--threads N] [--serve]
//
// --serve is for compare_step.py: a line of JSON with the paths, then each line of standard input is answered
// with a line of the steps' times.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "bench/device.h"
#include "bench/machine.h"
#include "bench/random_batch.h"
#include "kernels/dry/dry_backend.h"
#include "search/executor.h"
#include "search/mobilenet/architecture.h"
#include "search/mobilenet/space.h"
#include "search/train_settings.h"
#include "search/trained_network.h"

namespace rlnas::bench {
namespace {

constexpr int kPaths = 12;
constexpr int kSweeps = 5;

class SpaceSteps {
 public:
  SpaceSteps(const TrainConfig& config, int batch_size, int threads)
      : backend_(make_backend({.threads = threads})),
        space_(make_training_space(config, classes_of(config))) {
    constexpr Normalisation kNormalisation{{127.5f, 127.5f, 127.5f}, {64.0f, 64.0f, 64.0f}};
    spec_ = step_spec(config, {config.data.image_size, config.data.image_size, kNormalisation});
    spec_.sgd.learning_rate = float(config.recipe.learning_rate);
    batch_ = random_batch(batch_size, config.data.image_size, classes_of(config));

    std::vector<RecordedCall> calls;
    const auto dry = make_dry_backend(&calls, backend_.get());
    Executor on_paper(*dry, space_->layout(), kDryArenaBytes);
    on_paper.step([&](Context& c, const Tensor& images) { return space_->forward_largest(c, images); },
                  batch_, spec_);
    planned_bytes_ = on_paper.arena().peak_bytes();
    for (int path = 0; path < kPaths; ++path) {
      calls.clear();
      on_paper.step(forward_of(path), batch_, spec_);
      for (const RecordedCall& call : calls)
        if (call.conv || call.primitive.starts_with("linear")) gflop_ += double(call.flops) / 1e9 / kPaths;
    }

    state_ = std::make_unique<Executor>(*backend_, space_->layout(), planned_bytes_);
    state_->parameters().weights().upload(space_->layout().initial_parameters(0));
    state_->statistics().upload(space_->layout().initial_statistics());
    sweep_ms();
  }

  std::vector<double> sweep_ms() {
    std::vector<double> times_ms;
    for (int path = 0; path < kPaths; ++path) {
      const auto start = std::chrono::steady_clock::now();
      state_->step(forward_of(path), batch_, spec_);
      backend_->synchronize();  // the loss may be there before the optimiser is done
      times_ms.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    return times_ms;
  }

  double gflop() const { return gflop_; }  // convolutions and classifier, mean of a step
  double planned_mib() const { return double(planned_bytes_) / double(1 << 20); }
  double peak_mib() const { return double(state_->arena().peak_bytes()) / double(1 << 20); }
  // As the baselines take them: one number a choice, in the order of the genes, of each cell that has a path
  // of its own; MobileNet's identity is -1.
  std::vector<int> path_ops(int path) const {
    const bool has_identity = space_->space().name() == mobilenet::space().name();
    std::vector<int> ops;
    for (const Genes& genes : space_->paths(path))
      for (const int gene : genes)
        ops.push_back(has_identity && mobilenet::Op(gene) == mobilenet::Op::identity ? -1 : gene);
    return ops;
  }

 private:
  static int classes_of(const TrainConfig& config) { return config.data.image_size == 32 ? 10 : 1000; }
  Executor::Forward forward_of(int path) {
    return [this, path](Context& context, const Tensor& images) {
      return space_->forward(context, images, path);
    };
  }

  std::unique_ptr<Backend> backend_;
  std::unique_ptr<TrainedNetwork> space_;
  StepSpec spec_;
  HostBatch batch_;
  double gflop_ = 0.0;
  std::size_t planned_bytes_ = 0;
  std::unique_ptr<Executor> state_;
};

template <class T>
void print_list(const std::vector<T>& values) {
  const char* separator = "[";
  for (const T& value : values) std::cout << std::exchange(separator, ", ") << value;
  std::cout << "]";
}

int serve(SpaceSteps& steps, double peak_gflops) {
  std::cout << "{\"ready\": true, \"gflop\": " << steps.gflop() << ", \"fma_peak_gflops\": " << peak_gflops
            << ", \"paths\": [";
  for (int path = 0; path < kPaths; ++path) {
    if (path > 0) std::cout << ", ";
    print_list(steps.path_ops(path));
  }
  std::cout << "]}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << "{\"ms\": ";
    print_list(steps.sweep_ms());
    std::cout << ", \"rss_mib\": " << resident_mib() << "}" << std::endl;
  }
  return 0;
}

int report(SpaceSteps& steps, int batch_size, double peak_gflops) {
  std::vector<double> means_ms;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    double total_ms = 0.0;
    for (const double step_ms : steps.sweep_ms()) total_ms += step_ms;
    means_ms.push_back(total_ms / kPaths);
  }
  std::sort(means_ms.begin(), means_ms.end());
  const double median_ms = means_ms[kSweeps / 2], gflop_per_s = 1e3 * steps.gflop() / median_ms;
  std::cout << median_ms << " ms a step (" << means_ms.front() << ".." << means_ms.back() << "), "
            << 1e3 * batch_size / median_ms << " images/s, " << steps.gflop() << " GFLOP, " << gflop_per_s
            << " GFLOP/s";
  if (peak_gflops > 0.0) std::cout << " = " << 100.0 * gflop_per_s / peak_gflops << " % of the FMA peak";
  std::cout << "; arena " << steps.peak_mib() << " of " << steps.planned_mib() << " MiB planned, "
            << resident_mib() << " MiB resident\n";
  return 0;
}

int run(std::vector<char*>& arguments) {
  const std::string space = take_flag(arguments, "--space"), batch = take_flag(arguments, "--batch"),
                    threads = take_flag(arguments, "--threads");
  const bool serves = arguments.size() == 2 && std::string(arguments[1]) == "--serve";
  RLNAS_CHECK(arguments.size() == (serves ? 2 : 1), usage, "unexpected argument ", arguments.back());
  const int batch_size = batch.empty() ? 64 : std::atoi(batch.c_str());
  const int thread_count = threads.empty() ? 0 : std::atoi(threads.c_str());
  RLNAS_CHECK(batch_size > 0 && thread_count >= 0, usage, "--batch and --threads must be positive");
  const double peak = on_cpu() ? fma_peak_gflops(thread_count > 0 ? thread_count : cpu_cores()) : 0.0;
  SpaceSteps steps(default_train_config(space.empty() ? "darts-cifar" : space), batch_size, thread_count);
  return serves ? serve(steps, peak) : report(steps, batch_size, peak);
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  return rlnas::bench::guarded_main(argc, argv, rlnas::bench::run);
}
