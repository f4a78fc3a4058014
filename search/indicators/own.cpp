// Indicators of somebody who embeds the engine: functions that architectures are passed to as text.
#include <algorithm>
#include <map>

#include "kernels/check.h"
#include "search/indicator.h"
#include "search/search_space.h"

namespace rlnas {
namespace {

thread_local const OwnIndicators* innermost = nullptr;

class OwnGroup final : public IndicatorGroup {
 public:
  explicit OwnGroup(search::OwnIndicator own)
      : own_(std::move(own)),
        info_{.name = own_.name.c_str(),
              .key = own_.name.c_str(),
              .help = "the caller's own",
              .heading = own_.name.c_str(),
              .format = "%12g"} {}
  std::span<const IndicatorInfo> infos() const override { return {&info_, 1}; }
  void measure(const Measuring& with, const Genes& genes, std::span<double> values) const override {
    auto known = known_.find(genes);
    if (known == known_.end()) known = known_.emplace(genes, own_.value(with.space.text(genes))).first;
    values[0] = known->second;
  }

 private:
  search::OwnIndicator own_;
  IndicatorInfo info_;
  mutable std::map<Genes, double> known_;  // what it said: searches and reports ask again
};

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

OwnIndicators::OwnIndicators(std::vector<search::OwnIndicator> indicators) : outer_(innermost) {
  for (search::OwnIndicator& own : indicators) {
    RLNAS_CHECK(!own.name.empty() && std::ranges::all_of(own.name, is_plain), usage, "an indicator called '",
                own.name, "': letters, digits, - and _ make a name");
    const auto same = [&](const auto& group) { return own.name == group->infos()[0].name; };
    RLNAS_CHECK(!is_indicator(own.name) && std::ranges::none_of(groups_, same), usage,
                "there is an indicator ", own.name, " already");
    RLNAS_CHECK(own.value != nullptr, usage, "the indicator ", own.name, " has no function");
    groups_.push_back(std::make_unique<OwnGroup>(std::move(own)));
  }
  innermost = this;
}

OwnIndicators::~OwnIndicators() {
  innermost = outer_;
}

const OwnIndicators* OwnIndicators::known() {
  return innermost;
}

}  // namespace rlnas
