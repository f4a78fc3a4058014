// Checkpoints and logs on disk: round trips and damage.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/atomic_file.h"
#include "engine/event_log.h"
#include "engine/safetensors.h"
#include "kernels/check.h"
#include "tests/support/errors.h"
#include "tests/support/temporary_directory.h"

namespace rlnas {
namespace {

using test::contains;
using test::TemporaryDirectory;

TensorFile sample(float value) {
  TensorFile file;
  file.tensors = {{"cells.0.edges.1<-0.3.op.1.weight", {2, 3}, {1, 2, 3, 4, 5, value}},
                  {"empty", {0, 4}, {}},
                  {"scalar", {}, {7}}};
  file.metadata = {{"step", "12"}, {"note", "quotes \" and \xc3\xa9"}};
  return file;
}

std::string error_of(const std::string& path) {
  const std::string error = test::error_of(ErrorCode::data, [&] { read_safetensors(path); });
  CHECK((error.empty() || error.starts_with(path)));
  return error;
}

// A file of any header, as others may write it.
void write_file_of(const std::string& path, const std::string& header, const std::string& values) {
  const std::uint64_t size = header.size();
  test::write_text(path, std::string(reinterpret_cast<const char*>(&size), 8) + header + values);
}

// Not over the old file: some file systems flush that one to disk.
void write_anew(const std::string& path, const std::string& bytes) {
  std::filesystem::remove(path);
  test::write_text(path, bytes);
}

}  // namespace

TEST_CASE("safetensors: what is written is read back") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "a.safetensors");
  write_safetensors(path, sample(6.5f));
  const TensorFile file = read_safetensors(path);
  REQUIRE(file.tensors.size() == 3);
  CHECK(file.find("scalar")->data == std::vector<float>{7});
  CHECK(file.find("empty")->shape == std::vector<std::int64_t>{0, 4});
  CHECK(file.tensors[0].data == sample(6.5f).tensors[0].data);
  CHECK(file.metadata == sample(6.5f).metadata);
  CHECK(file.find("missing") == nullptr);
}

TEST_CASE("safetensors: tensors begin at a multiple of 8 bytes, whatever the header's length") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "a.safetensors");
  for (int letters = 0; letters < 8; ++letters) {
    TensorFile file = sample(6.5f);
    file.metadata["name"] = std::string(std::size_t(letters), 'a');
    write_safetensors(path, file);
    std::ifstream written(path, std::ios::binary);
    std::uint64_t header_bytes = 0;
    written.read(reinterpret_cast<char*>(&header_bytes), sizeof header_bytes);
    CHECK(header_bytes % 8 == 0);
    CHECK(8 + header_bytes + 7 * sizeof(float) == std::filesystem::file_size(path));
  }
}

TEST_CASE("safetensors: every truncation and every flipped bit of a small file is noticed") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "a.safetensors");
  write_safetensors(path, sample(6.5f));
  const std::string good = read_file(path);
  for (std::size_t size = 0; size < good.size(); ++size) {
    write_anew(path, good.substr(0, size));
    CHECK_MESSAGE(!error_of(path).empty(), "truncated to ", size);
  }
  for (std::size_t at = 0; at < good.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = char(bad[at] ^ (1 << bit));
      write_anew(path, bad);
      CHECK_MESSAGE(!error_of(path).empty(), "bit ", bit, " of byte ", at);
    }
  write_anew(path, good + '\0');
  CHECK(!error_of(path).empty());
  write_anew(path, good);
  CHECK(error_of(path).empty());
}

TEST_CASE("safetensors: what is said of damage names it") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "a.safetensors");
  write_safetensors(path, sample(6.5f));
  const std::string good = read_file(path);
  const auto error_with = [&](std::size_t at, int flip) {
    std::string bad = good;
    bad[at] = char(bad[at] ^ flip);
    test::write_text(path, bad);
    return error_of(path);
  };
  CHECK(contains(error_with(good.size() - 1, 1), "the checksum of its tensors"));
  CHECK(contains(error_with(good.find(R"("step":"12")") + 9, 1), "the checksum of its header"));
  CHECK(contains(error_with(good.find("crc32 header_crc32"), 4), "the checksum of its header"));
  for (const char* key :
       {R"("crc32":)", R"("header_crc32":)", R"("checksums":)"})  // looks like no key at all
    CHECK(contains(error_with(good.find(key) + 1, 1), "the checksum of its header"));
}

TEST_CASE("safetensors: files of older versions, checked as far as they say, and of others are read") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "a.safetensors");
  const auto write = [&](const std::string& metadata) {
    const std::string header = "{" + metadata + R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    write_file_of(path, header, std::string("\0\0\x80\x3f", 4));
  };
  write(R"("__metadata__":{"crc32":"2896259690","step":"3"},)");
  CHECK(error_of(path) == "");
  CHECK(read_safetensors(path).metadata == std::map<std::string, std::string>{{"step", "3"}});
  write("");
  CHECK(read_safetensors(path).tensors.at(0).data == std::vector<float>{1.0f});
  write(R"("__metadata__":{"crc32":"2896259691"},)");
  CHECK(contains(error_of(path), "checksum"));
}

TEST_CASE("safetensors: shapes and places that no tensor can have") {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.safetensors";
  const auto error_with = [&](const std::string& shape, const std::string& offsets) {
    const std::string header =
        R"({"z":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":)" + shape +
        R"(,"data_offsets":)" + offsets + "}}";
    write_file_of(path, header, std::string(12, '\0'));
    return error_of(path);
  };
  CHECK(error_with("[2]", "[4,12]") == "");
  CHECK(error_with("[0]", "[12,12]") == "");
  // The last has 2^64 + 2 elements.
  for (const char* shape : {"[-1,-2]", "[-2]", "[1]", "[3]", "[9223372036854775807,2]",
                            "[4294967296,4294967296]", "[3,6148914691236517206]"})
    CHECK(contains(error_with(shape, "[4,12]"), "tensor 'a' has a size that does not fit its shape"));
  CHECK(contains(error_with("[2]", "[8,16]"), "truncated: tensor 'a' ends past the end"));
  CHECK(contains(error_with("[2]", "[12,4]"), "truncated: tensor 'a' ends past the end"));
  CHECK(contains(error_with("[3]", "[0,12]"), "tensor 'a' overlaps another"));
}

TEST_CASE("safetensors: numbers of eight bytes are read as floats") {
  const TemporaryDirectory directory;
  const double doubles[] = {1.5, -2.25, 0.1};
  const std::int64_t whole[] = {3, -7, std::int64_t{1} << 40};
  write_file_of(directory / "a",
                R"({"d":{"dtype":"F64","shape":[3],"data_offsets":[0,24]},)"
                R"("i":{"dtype":"I64","shape":[3],"data_offsets":[24,48]}})",
                std::string(reinterpret_cast<const char*>(doubles), sizeof doubles) +
                    std::string(reinterpret_cast<const char*>(whole), sizeof whole));
  const TensorFile file = read_safetensors(directory / "a");
  CHECK(file.find("d")->data == std::vector<float>{1.5f, -2.25f, 0.1f});
  CHECK(file.find("i")->data == std::vector<float>{3.0f, -7.0f, 1099511627776.0f});
}

TEST_CASE("safetensors: missing files, directories and foreign element types are errors that name the file") {
  const TemporaryDirectory directory;
  CHECK(!error_of((directory / "missing")).empty());
  CHECK(!error_of(directory.path()).empty());
  for (const char* type : {"BF16", "F16", "U8", "I32"}) {  // with sizes that fit theirs
    const std::string bytes(type == std::string("I32") ? 4 : type == std::string("U8") ? 1 : 2, 'x');
    const std::string header = R"({"a":{"dtype":")" + std::string(type) +
                               R"(","shape":[1],"data_offsets":[0,)" + std::to_string(bytes.size()) + "]}}";
    write_file_of(directory / "b", header, bytes);
    CHECK(contains(error_of((directory / "b")), "tensor 'a' has element type " + std::string(type) + ";"));
  }
}

TEST_CASE("the event log drops what lies after the step a run goes on from, and half a line") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "events.jsonl");
  {
    EventLog log(path, 0);
    log.write("step", 1, 0.5, {{"loss", 2.5}, {"epoch", 3.0}});
    log.write("step", 2, 1.0, {{"loss", 2.25}});
  }
  std::ofstream(path, std::ios::app) << R"({"schema":1,"step":"one"})"
                                     << "\n"
                                     << R"({"schema":1,"eve)";
  EventLog log(path, 1);
  log.write("step", 2, 0.1, {{"loss", 2.0}});
  std::ifstream in(path);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["loss"] == 2.5);
  CHECK(lines[0]["epoch"].is_number_integer());
  CHECK(lines[0]["schema"] == EventLog::kSchema);
  CHECK(lines[1]["loss"] == 2.0);
}

}  // namespace rlnas
