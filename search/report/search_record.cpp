#include "search/report/search_record.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "engine/atomic_file.h"
#include "engine/bounded_json.h"
#include "kernels/check.h"
#include "search/csv.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kTruthPrefix = "truth_";  // of columns of report_csv

struct Unit {
  std::string label;
  double divisor = 1.0;
};

// How a number is plotted.
Unit unit_of(const std::string& name, const std::string& space) {
  if (name == "angle") return {"angle (rad)"};
  if (name == "op-angle-sum") return {"op-angle-sum (rad)"};
  if (name == "macs")
    return {std::string(find_space(space).info().cost_name) == "MACs" ? "MACs (millions)" : "MFLOPs", 1e6};
  if (name == "params") return {"parameters (millions)", 1e6};
  if (name == "layers") return {"layers (count)"};
  if (name == "accuracy") return {"SuperNet accuracy (share, 0 to 1)"};
  return {name + " (no unit)"};
}

SearchRecord::Column column_of(const std::string& name, const std::string& space, std::size_t size) {
  SearchRecord::Column column{name, unit_of(name, space).label, {}};
  column.values.reserve(size);
  return column;
}

std::string sum_label(const std::string& score) {
  return (score.size() > 24 ? std::string("score") : score) + " (sum of ln rank shares)";
}

SearchRecord::Column accuracy_column(const std::string& name) {
  return {name, name + " accuracy (%)", {}};
}

// Which column is the score: that of the one indicator, or that of the sum.
std::size_t score_place(const SearchRecord& record) {
  const std::string name = parse_score(record.score).is_sum() ? "score" : record.score;
  for (std::size_t c = 0; c < record.columns.size(); ++c)
    if (record.columns[c].name == name) return c;
  fail(ErrorCode::data, "has no column of the score ", record.score);
}

class TableReader {
 public:
  TableReader(std::string path, SearchRecord& record)
      : path_(std::move(path)),
        text_(read_maybe_compressed("--report-runs", path_)),
        lines_(text_),
        record_(record) {}

  void read() {
    std::string_view line;
    RLNAS_CHECK(lines_.next(line), data, path_, ": is empty");
    read_header(line);
    while (lines_.next(line)) read_row(line);
  }

 private:
  template <class... What>
  void check(bool holds, const What&... what) const {
    RLNAS_CHECK(holds, data, path_, ": line ", lines_.number(), ": ", what...);
  }

  void read_header(std::string_view line) {
    const bool is_sum = parse_score(record_.score).is_sum();
    for (const std::string_view name : split_fields(line)) {
      const std::size_t at = fields_++;
      if (name == "arch") arch_ = at;
      if (name == "generation") generation_ = at;
      if (name == "rank") rank_ = at;
      if (name == "score" && is_sum) {
        record_.columns.push_back({"score", sum_label(record_.score), {}});
        places_.push_back({at, &SearchRecord::columns, record_.columns.size() - 1, 1.0});
      }
      if (name.starts_with(kTruthPrefix)) {
        record_.accuracies.push_back(accuracy_column(std::string(name.substr(kTruthPrefix.size()))));
        places_.push_back({at, &SearchRecord::accuracies, record_.accuracies.size() - 1, 1.0});
      }
      for (const IndicatorInfo& info : indicator_list()) {
        if (name != info.key) continue;
        record_.columns.push_back(column_of(info.name, record_.space, 0));
        places_.push_back({at, &SearchRecord::columns, record_.columns.size() - 1,
                           unit_of(info.name, record_.space).divisor});
      }
    }
    check(arch_ != kNowhere && rank_ != kNowhere, "no columns arch and rank");
  }

  void read_row(std::string_view line) {
    const std::vector<std::string_view> fields = split_fields(line);
    check(fields.size() == fields_, fields.size(), " fields where the header has ", fields_);
    record_.texts.emplace_back(fields[arch_]);
    int number = 0;
    check(parse_number(fields[rank_], number), "'", fields[rank_], "' is no rank");
    record_.rank.push_back(number);
    number = 0;
    if (generation_ != kNowhere && !fields[generation_].empty())
      check(parse_number(fields[generation_], number), "'", fields[generation_], "' is no generation");
    record_.generation.push_back(number);
    for (const Place& place : places_) {
      double value = std::numeric_limits<double>::quiet_NaN();
      const std::string_view field = fields[place.field];
      check(field.empty() || parse_number(field, value), "'", field, "' is no number");
      (record_.*place.list)[place.column].values.push_back(value / place.divisor);
    }
  }

  static constexpr std::size_t kNowhere = std::string::npos;
  struct Place {
    std::size_t field;
    std::vector<SearchRecord::Column> SearchRecord::*list;
    std::size_t column;
    double divisor;
  };

  std::string path_, text_;
  CsvLines lines_;
  SearchRecord& record_;
  std::size_t fields_ = 0, arch_ = kNowhere, generation_ = kNowhere, rank_ = kNowhere;
  std::vector<Place> places_;
};

}  // namespace

const SearchRecord::Column* SearchRecord::find(std::string_view name) const {
  const auto found = std::ranges::find(columns, name, &Column::name);
  return found == columns.end() ? nullptr : &*found;
}

int SearchRecord::best() const {
  const auto found = std::ranges::find(rank, 1);
  return found == rank.end() ? -1 : int(found - rank.begin());
}

int SearchRecord::generations() const {
  return generation.empty() ? 0 : *std::ranges::max_element(generation);
}

std::vector<int> SearchRecord::top(int count) const {
  std::vector<int> places(texts.size());
  std::iota(places.begin(), places.end(), 0);
  std::ranges::sort(places, {}, [&](int place) { return rank[std::size_t(place)]; });
  places.resize(std::min(places.size(), std::size_t(std::max(count, 0))));
  return places;
}

std::vector<std::size_t> SearchRecord::main_accuracies(std::size_t limit) const {
  std::vector<std::size_t> tests, all;
  for (std::size_t c = 0; c < accuracies.size(); ++c) {
    all.push_back(c);
    if (accuracies[c].name.find("test") != std::string::npos) tests.push_back(c);
  }
  std::vector<std::size_t>& chosen = tests.empty() || all.size() <= limit ? all : tests;
  chosen.resize(std::min(chosen.size(), limit));
  return chosen;
}

bool comparable(const SearchRecord& a, const SearchRecord& b) {
  return a.space == b.space && a.score == b.score && a.find("score") == nullptr;
}

SearchRecord record_of(const SearchReport& report) {
  const SearchConfig& config = report.config;
  SearchRecord record;
  record.space = config.space.name;
  record.method = word_of(config.method);
  record.score = config.score.name;
  record.seed = config.evolution.seed;
  std::vector<double> divisors;
  for (const IndicatorInfo& info : report.indicators) {
    record.columns.push_back(column_of(info.name, record.space, report.evaluated.size()));
    divisors.push_back(unit_of(info.name, record.space).divisor);
  }
  if (config.score.is_sum()) record.columns.push_back({"score", sum_label(record.score), {}});
  for (const std::string& name : report.truth_columns) record.accuracies.push_back(accuracy_column(name));
  for (const FoundArchitecture& found : report.evaluated) {
    record.texts.push_back(found.text);
    record.generation.push_back(found.generation);
    record.rank.push_back(found.rank);
    for (std::size_t k = 0; k < found.values.size(); ++k)
      record.columns[k].values.push_back(found.values[k] / divisors[k]);
    if (config.score.is_sum()) record.columns.back().values.push_back(found.score);
    for (std::size_t k = 0; k < found.accuracies.size(); ++k)
      record.accuracies[k].values.push_back(found.accuracies[k]);
  }
  record.score_column = score_place(record);
  return record;
}

std::optional<SearchRecord> read_search_record(const std::string& directory) {
  const std::filesystem::path folder(directory);
  const std::string json_file = (folder / kSearchJson).string();
  const std::string table_file = (folder / kArchitecturesCsv).string();
  std::error_code none;
  if (!std::filesystem::exists(json_file, none) || !std::filesystem::exists(table_file, none)) return {};
  const Json json = parse_json_or_none<Json>(read_file(json_file));
  const auto word = [&](const char* key) {
    RLNAS_CHECK(json.is_object() && json.contains(key) && json[key].is_string(), data, json_file, ": no ",
                key, " is there; rlnas_search --report writes such files");
    return json[key].get<std::string>();
  };
  SearchRecord record;
  record.space = word("space");
  record.method = word("method");
  record.score = word("score");
  if (json.contains("seed") && json["seed"].is_number_unsigned()) record.seed = json["seed"];
  try {
    find_known_space(record.space);
    parse_score(record.score);
  } catch (const Error& error) {
    throw Error(ErrorCode::data, json_file + ": " + error.what());
  }
  TableReader(table_file, record).read();
  try {
    record.score_column = score_place(record);
  } catch (const Error& error) {
    throw Error(ErrorCode::data, table_file + ": " + error.what());
  }
  return record;
}

}  // namespace rlnas
