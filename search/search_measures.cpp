#include "search/search_measures.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <sstream>
#include <thread>

#include "data/parallel_for.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

std::vector<std::string> indicators_of(const Score& score, bool measured) {
  std::vector<std::string> names;
  for (const std::string& name : score.indicators)
    if (is_measured(name) == measured) names.push_back(name);
  return names;
}

// Half of the machine's.
std::size_t memory_for_workers() {
  return std::size_t(sysconf(_SC_PHYS_PAGES)) * std::size_t(sysconf(_SC_PAGESIZE)) / 2;
}

}  // namespace

std::string stamp_of(const SpaceSpec& space, const ProbeConfig& probe) {
  std::ostringstream text;
  text << space.name << ", " << space.classes << " classes, image size " << space.image_size << ", probe of "
       << probe.batch << " images, " << probe.draws << " draws, seed " << probe.seed;
  return text.str();
}

struct SearchMeasures::Worker {
  Worker(const SearchSpace& space, const std::vector<std::string>& indicators, const ProbeConfig& config,
         const ProbeOptions& options, DeviceChoice choice)
      : device(std::move(choice)) {
    Measuring with{.space = space, .threads = std::max(1, device.threads)};
    if (std::ranges::any_of(indicators,
                            [](const auto& name) { return indicator_info(name).needs.network; })) {
      probe =
          std::make_unique<Probe>(*device.backend, space.space(), options, [seed = config.seed](int draw) {
            constexpr std::uint64_t kDrawsOfSeed = 1000;
            return std::make_unique<ProbeDraws>(seed * kDrawsOfSeed + std::uint64_t(draw));
          });
      with.probe = probe.get();
    }
    measure = std::make_unique<IndicatorMeasure>(with, indicators, config.draws);
  }

  DeviceChoice device;
  std::unique_ptr<Probe> probe;
  std::unique_ptr<IndicatorMeasure> measure;
};

class SearchMeasures::Workers final : public PartialMeasure {
 public:
  Workers(const SearchSpace& space, std::vector<std::string> indicators, const ProbeConfig& probe,
          const SearchDevice& device)
      : values_(int(indicators.size())) {
    if (indicators.empty()) return;
    const ProbeOptions options{
        space.space().published_stand_alone(space.spec().classes, space.spec().image_size), probe.batch};
    const auto choose = [&](int threads) {
      return choose_device(device.name, {.cpu = {.threads = threads}, .cuda = {}});
    };
    int count = 1, threads = device.threads > 0 ? device.threads : int(std::thread::hardware_concurrency());
    threads = std::max(1, threads);
    if (DeviceChoice first = choose(threads); first.kind == DeviceKind::cpu) {
      const std::size_t bytes = Probe::planned_bytes(*first.backend, space.space(), options);
      count = int(std::clamp<std::size_t>(memory_for_workers() / std::max<std::size_t>(1, bytes), 1,
                                          std::size_t(threads)));
    }
    for (int w = 0; w < count; ++w)
      workers_.push_back(
          std::make_unique<Worker>(space, indicators, probe, options, choose(threads / count)));
  }

  int values() const override { return values_; }
  std::vector<double> measure_some(std::span<const Genes> candidates, std::uint64_t wanted) override {
    const std::size_t each = std::size_t(values_);
    std::vector<double> values(candidates.size() * each);
    std::atomic<std::size_t> next{0};
    parallel_for(int(workers_.size()), workers_.size(), [&](std::size_t w) {
      for (std::size_t i; (i = next++) < candidates.size();) {
        const std::vector<double> one = workers_[w]->measure->measure_some(candidates.subspan(i, 1), wanted);
        std::ranges::copy(one, values.begin() + std::ptrdiff_t(i * each));
      }
    });
    return values;
  }

 private:
  int values_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

SearchMeasures::SearchMeasures(const SearchSpace& space, const Score& score, const ProbeConfig& probe,
                               const SearchDevice& device)
    : quick_({.space = space}, indicators_of(score, false)) {
  RLNAS_CHECK(probe.batch > 1 && probe.batch <= 4096, usage, "--probe-batch ", probe.batch,
              ": must be in 2..4096");
  RLNAS_CHECK(probe.draws > 0 && probe.draws <= 1000, usage, "--probe-draws ", probe.draws,
              ": must be in 1..1000");
  workers_ = std::make_unique<Workers>(space, indicators_of(score, true), probe, device);
}

SearchMeasures::~SearchMeasures() = default;

PartialMeasure& SearchMeasures::computed() const {
  return *workers_;
}

}  // namespace rlnas
