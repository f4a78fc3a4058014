// The list of indicators.
#include <algorithm>
#include <iterator>

#include "kernels/check.h"
#include "search/indicators/groups.h"

namespace rlnas {
namespace {

using Groups = std::vector<std::unique_ptr<IndicatorGroup>>;

const Groups& groups() {
  static const Groups list = [] {
    Groups made;
    for (const auto make : {make_angles, make_counts, make_az, make_synflow, make_naswot, make_jacov,
                            make_grad_norm, make_zico, make_grad_sign, make_gradient_snr, make_swap,
                            make_meco, make_vkdnw, make_accuracy, make_flatness, make_bn_scale})
      made.push_back(make());
    return made;
  }();
  return list;
}

}  // namespace

const std::vector<IndicatorInfo>& indicator_list() {
  static const std::vector<IndicatorInfo> list = [] {
    std::vector<IndicatorInfo> infos;
    for (const auto& group : groups()) std::ranges::copy(group->infos(), std::back_inserter(infos));
    return infos;
  }();
  return list;
}

bool is_indicator(std::string_view name) {
  const auto named = [&](const IndicatorInfo& info) { return name == info.name; };
  const OwnIndicators* const own = OwnIndicators::known();
  return std::ranges::any_of(indicator_list(), named) ||
         (own != nullptr &&
          std::ranges::any_of(own->groups(), [&](const auto& group) { return named(group->infos()[0]); }));
}

IndicatorPlace find_indicator(std::string_view name) {
  if (const OwnIndicators* const own = OwnIndicators::known())
    for (const auto& group : own->groups())
      if (name == group->infos()[0].name) return {group.get(), 0};
  std::string known;
  for (const auto& group : groups()) {
    int member = 0;
    for (const IndicatorInfo& info : group->infos()) {
      if (name == info.name) return {group.get(), member};
      known += (known.empty() ? "" : ", ") + std::string(info.name);
      ++member;
    }
  }
  fail(ErrorCode::usage, "--score: '", name, "' is not one of ", known);
}

const IndicatorInfo& indicator_info(std::string_view name) {
  const IndicatorPlace place = find_indicator(name);
  return place.group->infos()[std::size_t(place.member)];
}

}  // namespace rlnas
