#include "search/search_measures.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <sstream>
#include <thread>

#include "data/parallel_for.h"
#include "engine/profile_report.h"
#include "kernels/check.h"
#include "search/network_profiler.h"

namespace rlnas {
namespace {

std::vector<std::string> indicators_of(const Score& score, bool measured) {
  std::vector<std::string> names;
  for (const std::string& name : score.indicators)
    if (is_measured(name) == measured) names.push_back(name);
  return names;
}

bool needs_network(const std::vector<std::string>& indicators) {
  return std::ranges::any_of(indicators,
                             [](const std::string& name) { return indicator_info(name).needs.network; });
}

// Those that training-free indicators look at.
NetworkOptions networks_of(const SearchSpace& space) {
  return space.space().published_stand_alone(space.spec().classes, space.spec().image_size);
}

// Half of the machine's.
std::size_t memory_for_workers() {
  return std::size_t(sysconf(_SC_PHYS_PAGES)) * std::size_t(sysconf(_SC_PAGESIZE)) / 2;
}

}  // namespace

struct SearchMeasures::Worker {
  Worker(const SearchSpace& space, const std::vector<std::string>& indicators, const ProbeConfig& config,
         const ProbeOptions& options, const ProbeImages* images, const SuperNetData* data,
         DeviceChoice choice, const ProfileLimits* limits)
      : device(std::move(choice)) {
    Measuring with{.space = space, .threads = std::max(1, device.threads)};
    if (limits != nullptr) {
      profiler = std::make_unique<NetworkProfiler>(*device.backend, *limits);
      with.profiler = profiler.get();
    }
    Backend& backend = profiler ? profiler->backend() : *device.backend;
    if (data != nullptr) {
      supernet = std::make_unique<SuperNetProbe>(backend, *data);
      with.supernet = supernet.get();
    }
    if (needs_network(indicators)) {
      const auto make_draws = [seed = config.seed](int draw) {
        constexpr std::uint64_t kDrawsOfSeed = 1000;
        return std::make_unique<ProbeDraws>(seed * kDrawsOfSeed + std::uint64_t(draw));
      };
      probe = std::make_unique<Probe>(backend, space.space(), options, make_draws, images);
      with.probe = probe.get();
    }
    measure = std::make_unique<IndicatorMeasure>(with, indicators, config.draws);
  }

  DeviceChoice device;
  std::unique_ptr<NetworkProfiler> profiler;
  std::unique_ptr<Probe> probe;
  std::unique_ptr<SuperNetProbe> supernet;
  std::unique_ptr<IndicatorMeasure> measure;
};

class SearchMeasures::Workers final : public PartialMeasure {
 public:
  Workers(const SearchSpace& space, std::vector<std::string> indicators, const ProbeConfig& probe,
          const SearchDevice& device, const ProbeImages* images, const SuperNetData* supernet)
      : values_(int(indicators.size())) {
    if (indicators.empty()) return;
    const ProbeOptions options{networks_of(space), probe.batch};
    const auto choose = [&](int threads) {
      return choose_device(device.name, {.cpu = {.threads = threads}, .cuda = {}});
    };
    int count = 1, threads = device.threads > 0 ? device.threads : int(std::thread::hardware_concurrency());
    threads = std::max(1, threads);
    if (DeviceChoice first = choose(threads); first.kind == DeviceKind::cpu) {
      std::size_t bytes = 0;
      if (needs_network(indicators)) bytes += Probe::planned_bytes(*first.backend, space.space(), options);
      if (supernet != nullptr) bytes += SuperNetProbe::planned_bytes(*first.backend, *supernet);
      count = int(std::clamp<std::size_t>(memory_for_workers() / std::max<std::size_t>(1, bytes), 1,
                                          std::size_t(threads)));
    }
    ProfileLimits limits;
    for (int w = 0; w < count; ++w) {
      DeviceChoice own = choose(threads / count);
      if (device.profile && w == 0) limits = measure_profile_limits(own.threads);
      workers_.push_back(std::make_unique<Worker>(space, indicators, probe, options, images, supernet,
                                                  std::move(own), device.profile ? &limits : nullptr));
    }
  }

  std::string profile() const {
    Profile all;
    for (const auto& worker : workers_) {
      if (!worker->profiler) return "";
      const Profile& profile = worker->profiler->profile();
      if (&worker == &workers_.front())
        all = profile;
      else
        all.add(profile);
    }
    return workers_.empty() ? "" : profile_report(all);
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
                               const SearchDevice& device, const SuperNetData* supernet)
    : space_(space),
      probe_(probe),
      supernet_(supernet),
      quick_({.space = space}, indicators_of(score, false)) {
  RLNAS_CHECK(probe.batch > 1 && probe.batch <= 4096, usage, "--probe-batch ", probe.batch,
              ": must be in 2..4096");
  RLNAS_CHECK(probe.draws > 0 && probe.draws <= 1000, usage, "--probe-draws ", probe.draws,
              ": must be in 1..1000");
  RLNAS_CHECK(probe.data.empty() || score.needs().probe_data, usage, "--probe-data: --score ", score.name,
              " looks at no such images; leave it out");
  if (!probe.data.empty())
    images_ = std::make_unique<const ProbeImages>(probe.data, space.space(), networks_of(space), probe.batch,
                                                  probe.seed);
  workers_ =
      std::make_unique<Workers>(space, indicators_of(score, true), probe, device, images_.get(), supernet);
}

SearchMeasures::~SearchMeasures() = default;

PartialMeasure& SearchMeasures::computed() const {
  return *workers_;
}

std::string SearchMeasures::profile() const {
  return workers_->profile();
}

std::string SearchMeasures::stamp_of(const std::string& indicator) const {
  const Needs& needs = indicator_info(indicator).needs;
  if (needs.weights) return supernet_->stamp();
  const SpaceSpec& space = space_.spec();
  std::ostringstream text;
  text << space.name << ", " << space.classes << " classes, image size " << space.image_size << ", probe of "
       << probe_.batch << " images, " << probe_.draws << " draws, seed " << probe_.seed;
  if (needs.probe_data && images_) text << ", " << images_->stamp();
  return text.str();
}

}  // namespace rlnas
