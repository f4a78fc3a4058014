#include "search/search_measures.h"

#include <sstream>

#include "kernels/check.h"

namespace rlnas {

std::string stamp_of(const SpaceSpec& space, const ProbeConfig& probe) {
  std::ostringstream text;
  text << space.name << ", " << space.classes << " classes, image size " << space.image_size << ", probe of "
       << probe.batch << " images, " << probe.draws << " draws, seed " << probe.seed;
  return text.str();
}

SearchMeasures::SearchMeasures(const SearchSpace& space, const Score& score, const ProbeConfig& probe,
                               const SearchDevice& device, const SuperNetData* supernet) {
  RLNAS_CHECK(probe.batch > 1 && probe.batch <= 4096, usage, "--probe-batch ", probe.batch,
              ": must be in 2..4096");
  RLNAS_CHECK(probe.draws > 0 && probe.draws <= 1000, usage, "--probe-draws ", probe.draws,
              ": must be in 1..1000");
  std::vector<std::string> measured, others;
  for (const std::string& name : score.indicators) (is_measured(name) ? measured : others).push_back(name);
  Measuring with{.space = space};
  const Needs needs = score.needs();
  if (needs.network || needs.weights) {
    device_ = choose_device(device.name, {.cpu = {.threads = device.threads}, .cuda = {}});
    with.threads = device.threads;
  }
  if (needs.weights) {
    supernet_ = std::make_unique<SuperNetProbe>(*device_.backend, *supernet);
    with.supernet = supernet_.get();
  }
  if (needs.network) {
    const NetworkOptions network =
        space.space().published_stand_alone(space.spec().classes, space.spec().image_size);
    probe_ = std::make_unique<Probe>(*device_.backend, space.space(), ProbeOptions{network, probe.batch},
                                     [seed = probe.seed](int draw) {
                                       return std::make_unique<ProbeDraws>(seed * 1000 + std::uint64_t(draw));
                                     });
    with.probe = probe_.get();
  }
  computed_ = std::make_unique<IndicatorMeasure>(with, measured, probe.draws);
  quick_ = std::make_unique<IndicatorMeasure>(with, others);
}

}  // namespace rlnas
