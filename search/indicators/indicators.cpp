// The list of indicators.
#include <algorithm>

#include "kernels/check.h"
#include "search/indicator.h"
#include "search/indicators/angle.h"
#include "search/indicators/costs.h"

namespace rlnas {
namespace {

using Make = std::unique_ptr<Indicator> (*)();

template <class T>
std::unique_ptr<Indicator> make() {
  return std::make_unique<T>();
}

constexpr Make kIndicators[] = {
    make<Angle>, make<OpAngleSum>, make<Macs>, make<Params>, make<Layers>,
};

}  // namespace

const std::vector<IndicatorInfo>& indicator_list() {
  static const std::vector<IndicatorInfo> list = [] {
    std::vector<IndicatorInfo> infos;
    for (const Make make : kIndicators) infos.push_back(make()->info());
    return infos;
  }();
  return list;
}

std::unique_ptr<Indicator> make_indicator(std::string_view name) {
  std::string known;
  for (const Make make : kIndicators) {
    std::unique_ptr<Indicator> indicator = make();
    if (name == indicator->info().name) return indicator;
    known += (known.empty() ? "" : ", ") + std::string(indicator->info().name);
  }
  fail(ErrorCode::usage, "--score: '", name, "' is not one of ", known);
}

const IndicatorInfo& indicator_info(std::string_view name) {
  make_indicator(name);
  return *std::find_if(indicator_list().begin(), indicator_list().end(),
                       [&](const IndicatorInfo& info) { return name == info.name; });
}

}  // namespace rlnas
