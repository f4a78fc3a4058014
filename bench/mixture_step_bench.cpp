// The step of a differentiable search, both phases, as rlnas_train runs it but for the data loader: ms a
// step, memory against the plan.
//
//   rlnas_bench_mixture_step [--device D] [--method pc-darts|darts] [--batch N] [--threads N] [--serve]
//
// --serve is for compare_step.py: a line of JSON, then each line of standard input is answered with a line of
// the steps' times.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "bench/device.h"
#include "bench/machine.h"
#include "bench/random_batch.h"
#include "kernels/words.h"
#include "search/mixture_mover.h"
#include "search/train_settings.h"
#include "search/training_plan.h"

namespace rlnas::bench {
namespace {

constexpr int kSteps = 2;  // of a sweep
constexpr int kSweeps = 5;
constexpr int kClasses = 10;

class MixtureSteps {
 public:
  MixtureSteps(const TrainConfig& config, int threads)
      : backend_(make_backend({.threads = threads})),
        network_(make_mixed(config, kClasses)),
        batch_(random_batch(config.recipe.batch_size, config.data.image_size, kClasses)) {
    constexpr Normalisation kNormalisation{{127.5f, 127.5f, 127.5f}, {64.0f, 64.0f, 64.0f}};
    spec_ = step_spec(config, {config.data.image_size, config.data.image_size, kNormalisation});
    spec_.sgd.learning_rate = float(config.recipe.learning_rate);
    const DryRun plan = dry_run(*network_, *backend_, batch_.count, spec_);
    for (const RecordedCall& call : plan.calls)
      if (call.conv || call.primitive.starts_with("linear")) gflop_ += double(call.flops) / 1e9;
    planned_bytes_ = plan.step_bytes;
    state_ = std::make_unique<Executor>(*backend_, network_->layout(), planned_bytes_);
    state_->parameters().weights().upload(network_->layout().initial_parameters(0));
    state_->statistics().upload(network_->layout().initial_statistics());
    mover_ = std::make_unique<MixtureMover>(
        *network_, *backend_, *state_, AdamSpec{.learning_rate = 6e-4, .beta1 = 0.5, .weight_decay = 1e-3});
    mover_->start(0);
    sweep_ms();
  }

  std::vector<double> sweep_ms() {
    const auto forward = [&](Context& context, const Tensor& images) {
      return network_->forward(context, images, 0);
    };
    std::vector<double> times_ms, gradients;
    for (int step = 0; step < kSteps; ++step) {
      const auto start = std::chrono::steady_clock::now();
      state_->mixture_pass(forward, batch_, spec_, gradients);
      mover_->move(gradients);
      state_->step(forward, batch_, spec_);
      backend_->synchronize();
      times_ms.push_back(
          std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
    }
    return times_ms;
  }

  double gflop() const { return gflop_; }  // convolutions and classifier of the step of the weights
  double planned_mib() const { return double(planned_bytes_) / double(1 << 20); }
  double peak_mib() const { return double(state_->arena().peak_bytes()) / double(1 << 20); }

 private:
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<TrainedNetwork> network_;
  HostBatch batch_;
  StepSpec spec_;
  double gflop_ = 0.0;
  std::size_t planned_bytes_ = 0;
  std::unique_ptr<Executor> state_;
  std::unique_ptr<MixtureMover> mover_;
};

int serve(MixtureSteps& steps, double peak_gflops) {
  std::cout << "{\"ready\": true, \"gflop\": " << steps.gflop() << ", \"fma_peak_gflops\": " << peak_gflops
            << "}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << "{\"ms\": [";
    const char* separator = "";
    for (const double step_ms : steps.sweep_ms()) std::cout << std::exchange(separator, ", ") << step_ms;
    std::cout << "], \"rss_mib\": " << resident_mib() << "}" << std::endl;
  }
  return 0;
}

int report(MixtureSteps& steps) {
  std::vector<double> times_ms;
  for (int sweep = 0; sweep < kSweeps; ++sweep)
    for (const double step_ms : steps.sweep_ms()) times_ms.push_back(step_ms);
  std::sort(times_ms.begin(), times_ms.end());
  std::cout << times_ms[times_ms.size() / 2] << " ms a step (" << times_ms.front() << ".." << times_ms.back()
            << "); arena " << steps.peak_mib() << " of " << steps.planned_mib() << " MiB planned, "
            << resident_mib() << " MiB resident\n";
  return 0;
}

int run(std::vector<char*>& arguments) {
  const std::string method = take_flag(arguments, "--method"), batch = take_flag(arguments, "--batch"),
                    threads = take_flag(arguments, "--threads");
  const bool serves = arguments.size() == 2 && std::string(arguments[1]) == "--serve";
  RLNAS_CHECK(arguments.size() == (serves ? 2 : 1), usage, "unexpected argument ", arguments.back());
  TrainConfig config = default_mixture_config(
      "darts-cifar", parse_word<TrainMethod>("--method", method.empty() ? "pc-darts" : method));
  config.recipe.batch_size = batch.empty() ? 64 : std::atoi(batch.c_str());
  const int thread_count = threads.empty() ? 0 : std::atoi(threads.c_str());
  RLNAS_CHECK(config.recipe.batch_size > 0 && thread_count >= 0, usage,
              "--batch and --threads must be positive");
  MixtureSteps steps(config, thread_count);
  const double peak = on_cpu() ? fma_peak_gflops(thread_count > 0 ? thread_count : cpu_cores()) : 0.0;
  return serves ? serve(steps, peak) : report(steps);
}

}  // namespace
}  // namespace rlnas::bench

int main(int argc, char** argv) {
  return rlnas::bench::guarded_main(argc, argv, rlnas::bench::run);
}
