// Small files that claim much: each is refused, by an error that names what is wrong with it, and takes no
// memory in proportion to its claim. And files that name other files: those are not opened.
#include <doctest/doctest.h>
#include <zlib.h>

#include <chrono>
#include <filesystem>

#include "data/image_codec.h"
#include "data/loaders.h"
#include "engine/crc32.h"
#include "engine/safetensors.h"
#include "search/evolution_state.h"
#include "search/ground_truth.h"
#include "search/report/search_record.h"
#include "search/run_directory.h"
#include "search/score_book.h"
#include "search/space_file/space.h"
#include "search/spaces.h"
#include "tests/support/child_process.h"
#include "tests/support/errors.h"
#include "tests/support/temporary_directory.h"

namespace rlnas {
namespace {

using namespace rlnas::test;

// The error of an action that a child does, which may not take more memory than that beyond this process's.
std::string error_within(double most_mib, const std::function<void()>& action) {
  const TemporaryDirectory directory;
  const ChildProcess idle(directory, [] {});
  const double own_mib = idle.wait().peak_mib;
  const ChildProcess child(directory, [&] {
    try {
      action();
    } catch (const Error& error) {
      std::fprintf(stderr, "%s", error.what());
      std::fflush(stderr);
      _exit(int(error.code()));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s", error.what());
      std::fflush(stderr);
      _exit(99);
    }
  });
  const Outcome outcome = child.wait();
#ifndef __SANITIZE_ADDRESS__  // which keeps memory of its own
  CHECK(outcome.peak_mib - own_mib < most_mib);
#endif
  CHECK((outcome.exit_code == 2 || outcome.exit_code == 3));
  return outcome.err;
}

std::string gzipped(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data()));
  stream.avail_in = unsigned(text.size());
  stream.next_out = reinterpret_cast<unsigned char*>(packed.data());
  stream.avail_out = unsigned(packed.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// What a megabyte of one letter packs to, again and again: gzip files may follow each other.
std::string bomb(const std::string& begin, std::size_t mebibytes) {
  const std::string piece = gzipped(std::string(std::size_t{1} << 20, '1'));
  std::string packed = gzipped(begin);
  for (std::size_t i = 0; i < mebibytes; ++i) packed += piece;
  return packed;
}

std::string big_endian(std::uint32_t value) {
  return {char(value >> 24), char(value >> 16), char(value >> 8), char(value)};
}

std::string png_of(std::uint32_t height, std::uint32_t width, const std::string& chunks) {
  const auto chunk = [](const std::string& type, const std::string& data) {
    return big_endian(std::uint32_t(data.size())) + type + data + big_endian(crc32_of(type + data));
  };
  return "\x89PNG\r\n\x1a\n" +
         chunk("IHDR", big_endian(width) + big_endian(height) + std::string("\x08\x02\0\0\0", 5)) + chunks +
         chunk("IDAT", "\x78\x9c\x03\x00\x00\x00\x00\x01") + chunk("IEND", "");
}

ImageBytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

const Space& nasbench201() {
  return find_space("nasbench201");
}

}  // namespace

TEST_CASE("JSON of a hundred thousand levels is refused wherever JSON is read") {
  const TemporaryDirectory directory;
  for (const char* bracket : {"[", "{\"a\":"}) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += bracket;
    const std::uint64_t size = deep.size();
    const std::string file = directory / "file";
    write_text(file, std::string(reinterpret_cast<const char*>(&size), 8) + deep);
    CHECK(contains(error_within(32, [&] { read_safetensors(file); }), "64 levels"));
    CHECK(contains(error_within(32, [&] { space_file::make_space(deep, "space"); }), "64 levels"));
    write_text(file, deep);
    CHECK(contains(error_within(32, [&] { read_search_state(file, ""); }), "not a search state"));
    write_text(directory / "run.json", deep);
    CHECK_FALSE(RunDirectory(directory.path()).recorded());
    write_text(directory / "search.json", deep);
    write_text(directory / "architectures.csv", "arch\n");
    CHECK(contains(error_within(32, [&] { read_search_record(directory.path()); }), "no space is there"));
  }
}

TEST_CASE("tables and images that unpack to gigabytes stop") {
  const TemporaryDirectory directory;
  const std::string table = directory / "table.csv.gz";
  write_text(table, bomb("index,arch,a\n", 4096));
  REQUIRE(std::filesystem::file_size(table) < (std::size_t{6} << 20));
  CHECK(
      contains(error_within(1500, [&] { read_ground_truth(table, nasbench201()); }), "unpacks to more than"));
  const auto read_scores = [&] {
    ScoreBook().read("--scores", table, nasbench201(),
                     [](const std::string&, const Genes& genes) { return genes; });
  };
  CHECK(contains(error_within(1500, read_scores), "unpacks to more than"));
  write_text(directory / "train-images-idx3-ubyte.gz",
             bomb(std::string("\0\0\x08\x03\xff\xff\xff\xff\0\0\0\x20\0\0\0\x20", 16), 4096));
  write_text(directory / "train-labels-idx1-ubyte", std::string("\0\0\x08\x01\0\0\0\x01\0", 9));
  CHECK(contains(error_within(2500, [&] { load_idx({.kind = "idx", .paths = {directory.path()}}, {}); }),
                 "unpacks to more than"));
}

TEST_CASE("a checkpoint whose tensors share bytes takes no more memory than it has") {
  const TemporaryDirectory directory;
  const std::string file = directory / "file";
  std::string header;
  for (int i = 0; i < 5000; ++i)
    header += (header.empty() ? "{" : ",") + ("\"" + std::to_string(i)) +
              "\":{\"dtype\":\"F32\",\"shape\":[250000],\"data_offsets\":[0,1000000]}";
  header += "}";
  const std::uint64_t size = header.size();
  write_text(file,
             std::string(reinterpret_cast<const char*>(&size), 8) + header + std::string(1'000'000, '\0'));
  CHECK(contains(error_within(64, [&] { read_safetensors(file); }), "overlaps another"));
}

TEST_CASE("images take memory for what their file can hold") {
  const std::string huge = png_of(11000, 11000, "");
  CHECK(contains(error_within(32, [&] { decode_image(bytes_of(huge), 32); }), "truncated"));
  // A JPEG's header alone: progressive, 11000 x 11000.
  std::string jpeg(
      "\xff\xd8\xff\xc2\0\x11\x08\x2a\xf8\x2a\xf8\x03\x01\x11\0\x02\x11\0\x03\x11\0"
      "\xff\xda\0\x0c\x03\x01\0\x02\0\x03\0\0\0\0",
      35);
  CHECK(contains(error_within(32, [&] { decode_image(bytes_of(jpeg), 32); }), "truncated"));
  RgbImage part;
  CHECK(contains(error_within(32,
                              [&] {
                                decode_region(bytes_of(jpeg), {0, 0, 9000, 9000}, part);
                              }),
                 "truncated"));
}

TEST_CASE("a truth table of many columns takes memory for the rows it has") {
  const TemporaryDirectory directory;
  std::string header = "index", row = "0";
  for (int c = 0; c < 100'000; ++c) header += ",c" + std::to_string(c), row += ",1";
  write_text(directory / "truth.csv", header + "\n" + row + "\n");
  CHECK(contains(error_within(200, [&] { read_ground_truth(directory / "truth.csv", nasbench201()); }),
                 "the table ends after 1 of 15625 rows"));
}

TEST_CASE("a space file of a few lines asks for no more than it says, in memory or in time") {
  const auto chain = [](const std::string& stages, const std::string& more) {
    return R"({"name": "x", "stem": [{"op": "conv_3x3", "channels": 8}], "stages": [)" + stages + "]" + more +
           "}";
  };
  std::string stages;
  for (int i = 0; i < 201; ++i)
    stages += std::string(i == 0 ? "" : ",") + R"({"channels": 8, "repeats": 100, "ops": ["conv_3x3"]})";
  CHECK(contains(error_within(64, [&] { space_file::make_space(chain(stages, ""), "space"); }),
                 "has 20100 operations, more than 20000"));
  const std::string long_name(10'000, 'x'), one = R"({"channels": 8, "ops": ["conv_3x3"]})";
  CHECK(contains(
      error_within(64,
                   [&] {
                     space_file::make_space(
                         chain(one, R"(, "weights": {"choices": "{block}{op})" + long_name + "\"}"), "space");
                   }),
      "is longer than 200 characters"));
  std::string stars, name(199, 'a');
  for (int i = 0; i < 100; ++i) stars += "*a";
  const auto start = std::chrono::steady_clock::now();
  const auto space = space_file::make_space(
      R"({"name": "x", "stem": [{"op": "conv_3x3", "channels": 8, "weights": ")" + name +
          R"("}], "stages": [)" + one + R"(], "angle": {"without": [")" + stars + "b\"]}}",
      "space");
  const Graph graph = space->network({.kind = NetworkKind::supernet}, {});
  Segment segment;
  segment.name = std::string(199, 'a');
  segment.shape = {3, 3};
  CHECK(space->occurrences(segment, Compat::none) == 1);
  segment.name += "b";
  CHECK(space->occurrences(segment, Compat::none) == 0);
  CHECK(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < 60.0);
}

TEST_CASE("a file that names another as its search space does not have it opened") {
  const TemporaryDirectory directory;
  const std::string secret = directory / "secret.json";
  write_text(secret, "not a space");
  write_text(directory / "run.json", R"({"config": {"space": "file:)" + secret + "\"}}");
  const RunDirectory run(directory.path());
  for (const auto& read :
       {std::function<void()>([&] { run.space(); }), std::function<void()>([&] { run.recorded(); })}) {
    const std::string error = error_of(ErrorCode::data, read);
    CHECK(contains(error, "its search space 'file:" + secret + "' is none of"));
  }
  write_text(directory / "search.json",
             R"({"space": "file:)" + secret + R"(", "method": "x", "score": "angle"})");
  write_text(directory / "architectures.csv", "arch\n");
  const std::string error = error_of(ErrorCode::data, [&] { read_search_record(directory.path()); });
  CHECK(contains(error, "is not one of"));
}

}  // namespace rlnas
