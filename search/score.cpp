#include "search/score.h"

#include <algorithm>
#include <array>

#include "kernels/check.h"
#include "kernels/nearest_word.h"

namespace rlnas {
namespace {

struct NamedSum {
  const char* name;
  const char* terms;
  const char* help;
};

constexpr std::array kNamedSums{
    NamedSum{"az-nas", "az-expressivity+az-progressivity+az-trainability+macs", "as published"},
    NamedSum{"vkdnw-aggregate", "vkdnw+jacov+az-expressivity+az-trainability+macs", "as published"},
    NamedSum{"label-free",
             "az-expressivity+az-progressivity+az-trainability+synflow+contrast+macs+op-angle-sum+meco+swap",
             "ours: with the angles of a SuperNet trained on random labels"},
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t first = 0; first <= text.size();) {
    const std::size_t end = std::min(text.find('+', first), text.size());
    parts.push_back(text.substr(first, end - first));
    first = end + 1;
  }
  return parts;
}

[[noreturn]] void refuse(const std::string& part) {
  std::vector<std::string> known;
  for (const IndicatorInfo& info : indicator_list()) known.emplace_back(info.name);
  for (const NamedSum& sum : kNamedSums) known.emplace_back(sum.name);
  std::string names;
  for (const std::string& name : known) names += name + ", ";
  fail(ErrorCode::usage, "--score: '", part, "' is not one of ", names, "or several joined by +",
       did_you_mean(part, known));
}

std::string text_of(const Needs& needs) {
  std::string text;
  const auto add = [&](bool needed, const char* what) {
    if (needed) text += (text.empty() ? " [" : ", ") + std::string(what);
  };
  add(needs.supernet || needs.weights, "SuperNet");
  add(needs.images, needs.labels ? "images with labels" : "images");
  add(needs.probe_data, "--probe-data or noise");
  return text + (text.empty() ? "" : "]");
}

}  // namespace

Needs Score::needs() const {
  Needs all;
  for (const std::string& indicator : indicators) {
    const Needs& needs = indicator_info(indicator).needs;
    all.supernet |= needs.supernet;
    all.weights |= needs.weights;
    all.network |= needs.network;
    all.images |= needs.images;
    all.labels |= needs.labels;
    all.probe_data |= needs.probe_data;
  }
  return all;
}

Score parse_score(const std::string& text) {
  Score score{.name = text, .indicators = {}};
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(score.indicators, name) == score.indicators.end()) score.indicators.push_back(name);
  };
  for (const std::string& part : split(text)) {
    const auto sum = std::ranges::find_if(kNamedSums, [&](const NamedSum& one) { return part == one.name; });
    if (sum != kNamedSums.end())
      for (const std::string& term : split(sum->terms)) add(term);
    else if (is_indicator(part))
      add(part);
    else
      refuse(part);
  }
  return score;
}

std::string score_table() {
  constexpr std::size_t kNameWidth = 19;
  std::string table;
  const auto add = [&](std::string name, const std::string& text) {
    name.resize(std::max(kNameWidth, name.size() + 1), ' ');
    table += "  " + name + text + '\n';
  };
  for (const IndicatorInfo& info : indicator_list()) add(info.name, info.help + text_of(info.needs));
  for (const NamedSum& sum : kNamedSums) add(sum.name, std::string(sum.terms) + " (" + sum.help + ")");
  return table;
}

}  // namespace rlnas
