#include "search/score_book.h"

#include <algorithm>
#include <limits>
#include <set>

#include "kernels/check.h"
#include "search/csv.h"
#include "search/indicator.h"

namespace rlnas {
namespace {

constexpr std::string_view kTitle = "# rlnas scores";

// Of a column's name; "": of no indicator.
std::string indicator_of_key(std::string_view key) {
  for (const IndicatorInfo& info : indicator_list())
    if (key == info.key) return info.name;
  return "";
}

}  // namespace

std::optional<double> ScoreBook::find(const std::string& indicator, const Genes& genes) const {
  const auto of_indicator = values_.find(indicator);
  if (of_indicator == values_.end()) return std::nullopt;
  const auto found = of_indicator->second.find(genes);
  if (found == of_indicator->second.end()) return std::nullopt;
  return found->second;
}

void ScoreBook::put(const std::string& indicator, const Genes& genes, double value) {
  values_[indicator][genes] = value;
}

std::string ScoreBook::csv(const Space& space) const {
  std::string text = std::string(kTitle) + '\n', header = "arch";
  std::set<Genes> architectures;
  for (const auto& [name, by_genes] : values_) {
    const std::string key = indicator_info(name).key;
    const auto stamp = stamps_.find(name);
    if (stamp != stamps_.end()) text += "# " + key + ": " + stamp->second + '\n';
    header += ',' + key;
    for (const auto& [genes, value] : by_genes) architectures.insert(genes);
  }
  text += header + '\n';
  for (const Genes& genes : architectures) {
    text += csv_field(space.text(genes));
    for (const auto& [name, by_genes] : values_) {
      const auto found = by_genes.find(genes);
      text += ',' + (found == by_genes.end() ? "" : exact_number(found->second));
    }
    text += '\n';
  }
  return text;
}

std::vector<ScoreBook::Row> ScoreBook::read_rows(const std::string& flag, const std::string& path,
                                                 const Space& space) {
  const std::string text = read_maybe_compressed(flag, path);
  CsvLines lines(text);
  const auto check = [&](bool holds, const auto&... what) {
    RLNAS_CHECK(holds, data, flag, ' ', path, ": line ", lines.number(), ": ", what...);
  };
  std::string_view line;
  bool more = lines.next(line);
  const bool stamped = more && line == kTitle;
  for (; more && line.starts_with('#'); more = lines.next(line)) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    const std::string indicator = indicator_of_key(line.substr(2, colon - 2));
    const std::string_view stamp = line.substr(colon + 2);
    if (indicator.empty()) continue;
    const auto [known, is_new] = stamps_.try_emplace(indicator, stamp);
    check(known->second == stamp, indicator, " was measured otherwise: '", stamp, "', not '", known->second,
          "'");
  }
  std::vector<std::string> indicators;  // of each column; "": of something else
  std::size_t arch = std::string::npos;
  for (const std::string_view name : split_fields(more ? line : std::string_view{})) {
    if (name == "arch") arch = indicators.size();
    indicators.push_back(indicator_of_key(name));
    // A report's column that this run does not measure cannot be stamped, so it is not kept.
    if (!stamped && !stamps_.contains(indicators.back())) indicators.back().clear();
  }
  check(arch != std::string::npos, "no column arch");
  std::vector<Row> rows;
  while (lines.next(line)) {
    const std::vector<std::string_view> fields = split_fields(line);
    check(fields.size() == indicators.size(), fields.size(), " fields where the header has ",
          indicators.size());
    Genes genes;
    try {
      genes = space.parse(std::string(fields[arch]));
    } catch (const Error& error) {
      check(false, "arch '", fields[arch], "' is none of ", space.name());
    }
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (indicators[i].empty() || fields[i].empty()) continue;
      double value = 0.0;
      check(parse_number(fields[i], value), "'", fields[i], "' is no number");
      rows.push_back({indicators[i], genes, value});
    }
  }
  return rows;
}

}  // namespace rlnas
