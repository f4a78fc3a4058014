#include <doctest/doctest.h>
#include <zlib.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "kernels/check.h"
#include "search/ground_truth.h"
#include "search/nasbench201/space.h"
#include "search/ranking.h"
#include "search/spaces.h"
#include "tests/support/errors.h"
#include "tests/support/skip.h"
#include "tests/support/temporary_directory.h"

using namespace rlnas;
using namespace rlnas::nasbench201;
using rlnas::test::TemporaryDirectory;
using rlnas::test::write_text;
using test::contains;

namespace {

// Rows 0..count-1 of a table whose accuracy is the enumeration index.
std::string table_text(int count, const std::string& header = "index,arch,test,note,params_c10") {
  std::string text = header + "\n";
  for (int i = 0; i < count; ++i) {
    const Cell cell = cell_of_benchmark(i);
    text += std::to_string(i) + "," + to_string(cell) + "," + std::to_string(enumeration_index(cell)) +
            ".5,text,1\n";
  }
  return text;
}

std::string error_of(const std::string& path) {
  const std::string error = test::error_of(ErrorCode::data, [&] { read_ground_truth(path, space()); });
  CHECK((error.empty() || contains(error, path)));
  return error;
}

// The text with line `number` (1-based) replaced.
std::string with_line(const std::string& text, int number, const std::string& line) {
  std::size_t begin = 0;
  for (int i = 1; i < number; ++i) begin = text.find('\n', begin) + 1;
  return text.substr(0, begin) + line + text.substr(text.find('\n', begin));
}

}  // namespace

TEST_CASE("a table is read, plain and compressed, and only its accuracy columns are kept") {
  const TemporaryDirectory directory;
  const std::string text = table_text(kSpaceSize);
  write_text(directory / "table.csv", text);
  gzFile file = gzopen((directory / "table.csv.gz").c_str(), "wb");
  REQUIRE(gzwrite(file, text.data(), unsigned(text.size())) == int(text.size()));
  gzclose(file);
  for (const char* name : {"table.csv", "table.csv.gz"}) {
    const GroundTruth truth = read_ground_truth(directory / name, space());
    REQUIRE(truth.columns.size() == 1);
    CHECK(truth.columns[0].name == "test");
    for (int i = 0; i < kSpaceSize; ++i) REQUIRE(truth.columns[0].accuracy[std::size_t(i)] == i + 0.5);
    const Standing best = standing_of(truth.columns[0], kSpaceSize - 1),
                   worst = standing_of(truth.columns[0], 0);
    CHECK(best.rank == 1);
    CHECK(best.percentile == 100.0);
    CHECK(worst.rank == kSpaceSize);
    CHECK(worst.percentile == 0.0);
    CHECK(worst.accuracy == 0.5);
  }
}

TEST_CASE("ranks count strictly better architectures only") {
  const TruthColumn column{"c", {1, 3, 3, 2}};
  CHECK(standing_of(column, 1).rank == 1);
  CHECK(standing_of(column, 2).rank == 1);
  CHECK(standing_of(column, 3).rank == 3);
  CHECK(standing_of(column, 0).rank == 4);
  CHECK(standing_of(column, 3).percentile == doctest::Approx(100.0 / 3));
}

TEST_CASE("a table with a fault is refused, naming the file and the line") {
  const TemporaryDirectory directory;
  const std::string path = directory / "bad.csv", text = table_text(kSpaceSize);
  const auto error_with = [&](const std::string& content) {
    write_text(path, content);
    return error_of(path);
  };
  CHECK(contains(error_of(directory / "absent.csv"), "cannot be opened"));
  CHECK(contains(error_with(""), "the header must begin with index,arch"));
  CHECK(contains(error_with("a,b,c\n"), "line 1: the header must begin with index,arch"));
  CHECK(contains(error_with("index,arch,test\n"), "no rows"));
  CHECK(contains(error_with(table_text(1, "index,arch,params_a,note,flops_b")),
                 "line 2: no numeric accuracy column"));
  CHECK(contains(error_with(table_text(1, "index,arch,test,note,test")), "column test appears twice"));
  CHECK(contains(error_with(table_text(100)),
                 "line 101: the table ends after 100 of 15625 rows; index 100 is the"));
  CHECK(contains(error_with(with_line(text, 7, "5,x")), "line 7: 2 fields where the header has 5"));
  CHECK(contains(error_with(with_line(text, 7, "5,|none~0|,1,a,1")),
                 "line 7: arch '|none~0|' is not that of index 5"));
  CHECK(
      contains(error_with(with_line(text, 7, "99999,a,1,a,1")), "line 7: index '99999' is not in 0..15624"));
  const std::string row = to_string(cell_of_benchmark(4));
  CHECK(contains(error_with(with_line(text, 7, "4," + row + ",1,a,1")), "line 7: index 4 appears twice"));
  CHECK(contains(error_with(with_line(text, 6, "4," + row + ",abc,a,1")),
                 "line 6: column test: 'abc' is not a number"));
  CHECK(contains(error_with(with_line(text, 6, "4," + row + ",nan,a,1")),
                 "line 6: column test: 'nan' is not a number"));
  CHECK(contains(error_with(with_line(text, 6, "4," + row + ",,a,1")),
                 "line 6: column test: '' is not a number"));
  CHECK(contains(error_of(directory.path()), "not a file"));
}

TEST_CASE("a table without arch is one by index, a name that is no space's table is a file's") {
  const TemporaryDirectory directory;
  std::string text = "index,test\n";
  for (int i = 0; i < kSpaceSize; ++i) text += std::to_string(i) + "," + std::to_string(i) + "\n";
  write_text(directory / "table.csv", text);
  const GroundTruth truth = read_ground_truth(directory / "table.csv", space());
  for (const int i : {0, 1462, kSpaceSize - 1})
    CHECK(truth.columns[0].accuracy[std::size_t(enumeration_index(cell_of_benchmark(i)))] == i);
  CHECK(contains(error_of("nasbench301"), "cannot be opened"));
}

TEST_CASE("a truncated .gz is refused") {
  const TemporaryDirectory directory;
  const std::string whole = directory / "whole.gz", cut = directory / "cut.gz", text = table_text(kSpaceSize);
  gzFile file = gzopen(whole.c_str(), "wb");
  REQUIRE(gzwrite(file, text.data(), unsigned(text.size())) == int(text.size()));
  gzclose(file);
  const std::string bytes = test::read_text(whole);
  write_text(cut, bytes.substr(0, bytes.size() / 2));
  CHECK(contains(error_of(cut), "damaged or truncated"));
}

TEST_CASE("the built-in table: the published best cell, and the baselines every tau is printed beside") {
  const GroundTruth truth = read_ground_truth("nasbench201", space());
  REQUIRE(truth.columns.size() == 3);
  // The benchmark's optimum on CIFAR-10 and CIFAR-100 (Dong and Yang, ICLR 2020, table 5).
  for (const auto& [column, accuracy] : {std::pair{0, 94.37}, std::pair{1, 73.51}, std::pair{2, 47.31}})
    CHECK(std::ranges::max(truth.columns[std::size_t(column)].accuracy) ==
          doctest::Approx(accuracy).epsilon(0.0001));
  const auto cells = make_search_space({.name = space().name()});
  std::vector<double> flops, length;
  for (int i = 0; i < kSpaceSize; ++i) {
    flops.push_back(double(cells->macs(genes_of_cell(cell_at(i)))));
    length.push_back(double(cells->angle_vector_length(genes_of_cell(cell_at(i)))));
  }
  struct Golden {
    const char* column;
    double flops_rank, flops_b, length_b;
  };
  for (const Golden& golden :
       {Golden{"c10_test200", 0.558, 0.578, 0.578}, Golden{"c100_test200", 0.536, 0.553, 0.553},
        Golden{"in16_test200", 0.503, 0.520, 0.539}}) {
    const auto found = std::ranges::find(truth.columns, golden.column, &TruthColumn::name);
    REQUIRE(found != truth.columns.end());
    const TruthColumn& column = *found;
    CAPTURE(golden.column);
    CHECK(kendall_tau_rank(flops, column.accuracy) == doctest::Approx(golden.flops_rank).epsilon(0.0011));
    CHECK(kendall_tau_b(flops, column.accuracy) == doctest::Approx(golden.flops_b).epsilon(0.0011));
    CHECK(kendall_tau_b(length, column.accuracy) == doctest::Approx(golden.length_b).epsilon(0.0011));
  }
}
