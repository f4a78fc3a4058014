#include "search/ground_truth.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "kernels/check.h"
#include "search/csv.h"

namespace rlnas {
namespace {

bool is_accuracy_name(std::string_view name) {
  return !name.starts_with("params_") && !name.starts_with("flops_");
}

class TableReader {
 public:
  TableReader(const std::string& path, std::string_view text, const Space& space)
      : path_(path), space_(space), size_(space.benchmark_size()), lines_(text) {}

  GroundTruth read() {
    read_header();
    std::string_view line;
    while (lines_.next(line)) read_row(line);
    RLNAS_CHECK(rows_ > 0, data, path_, ": no rows after the header");
    check_complete();
    fill_columns();
    return std::move(truth_);
  }

 private:
  template <class... Parts>
  [[noreturn]] void fail_line(const Parts&... parts) const {
    fail(ErrorCode::data, "--truth ", path_, ": line ", lines_.number(), ": ", parts...);
  }

  std::size_t first_column() const { return has_arch_ ? 2 : 1; }

  void read_header() {
    std::string_view line;
    if (lines_.next(line)) {
      for (const std::string_view name : split_fields(line)) names_.emplace_back(name);
    }
    has_arch_ = names_.size() > 1 && names_[1] == "arch";
    if (names_.empty() || names_[0] != "index" || names_.size() <= first_column()) {
      fail_line("the header must begin with index,arch and name at least one column");
    }
  }

  // The first row decides which columns hold numbers.
  void choose_columns(const std::vector<std::string_view>& fields) {
    for (std::size_t i = first_column(); i < names_.size(); ++i) {
      double value = 0.0;
      if (!is_accuracy_name(names_[i]) || !parse_number(fields[i], value)) continue;
      const auto same = [&](const TruthColumn& column) { return column.name == names_[i]; };
      if (std::any_of(truth_.columns.begin(), truth_.columns.end(), same)) {
        fail(ErrorCode::data, "--truth ", path_, ": line 1: column ", names_[i], " appears twice");
      }
      field_of_column_.push_back(i);
      truth_.columns.push_back({names_[i], {}});
    }
    if (truth_.columns.empty()) fail_line("no numeric accuracy column");
  }

  void read_row(std::string_view line) {
    const std::vector<std::string_view> fields = split_fields(line);
    if (fields.size() != names_.size()) {
      fail_line(fields.size(), " fields where the header has ", names_.size());
    }
    if (rows_ == 0) choose_columns(fields);
    int index = -1;
    if (!parse_number(fields[0], index) || index < 0 || index >= size_) {
      fail_line("index '", fields[0], "' is not in 0..", size_ - 1);
    }
    const Genes genes = space_.benchmark_genes(index);
    if (has_arch_ && fields[1] != space_.text(genes)) {
      fail_line("arch '", fields[1], "' is not that of index ", index, ", ", space_.text(genes));
    }
    if (present_[std::size_t(index)]) fail_line("index ", index, " appears twice");
    present_[std::size_t(index)] = true;
    enumeration_indices_.push_back(std::size_t(enumeration_index(space_, genes)));
    for (std::size_t c = 0; c < truth_.columns.size(); ++c) {
      double& value = values_.emplace_back();
      const std::string_view field = fields[field_of_column_[c]];
      if (!parse_number(field, value) || !std::isfinite(value)) {
        fail_line("column ", truth_.columns[c].name, ": '", field, "' is not a number");
      }
    }
    ++rows_;
  }

  void check_complete() const {
    if (rows_ == size_) return;
    const auto missing = std::find(present_.begin(), present_.end(), false) - present_.begin();
    fail(ErrorCode::data, "--truth ", path_, ": line ", lines_.number(), ": the table ends after ", rows_,
         " of ", size_, " rows; index ", missing, " is the first one missing");
  }

  // Only now: a table takes memory for the rows that it has, not for those of its space.
  void fill_columns() {
    for (std::size_t c = 0; c < truth_.columns.size(); ++c) {
      std::vector<double>& accuracy = truth_.columns[c].accuracy;
      accuracy.resize(std::size_t(size_));
      for (std::size_t row = 0; row < enumeration_indices_.size(); ++row)
        accuracy[enumeration_indices_[row]] = values_[row * truth_.columns.size() + c];
    }
  }

  const std::string& path_;
  const Space& space_;
  const int size_;
  CsvLines lines_;
  std::vector<std::string> names_;
  bool has_arch_ = true;
  std::vector<std::size_t> field_of_column_;
  std::vector<bool> present_ = std::vector<bool>(std::size_t(size_));
  int rows_ = 0;
  std::vector<std::size_t> enumeration_indices_;  // of each row
  std::vector<double> values_;                    // [row, column]
  GroundTruth truth_;
};

}  // namespace

GroundTruth read_ground_truth(const std::string& path, const Space& space) {
  const std::span<const unsigned char> own = space.benchmark_table();
  const std::string text =
      path == space.name() && !own.empty() ? decompress(own) : read_maybe_compressed("--truth", path);
  return TableReader(path, text, space).read();
}

Standing standing_of(const TruthColumn& column, int enumeration_index) {
  const double own = column.accuracy.at(std::size_t(enumeration_index));
  const auto better =
      std::count_if(column.accuracy.begin(), column.accuracy.end(), [&](double a) { return a > own; });
  const double others = double(column.accuracy.size()) - 1.0;
  return {own, int(better) + 1, 100.0 * (others - double(better)) / others};
}

}  // namespace rlnas
