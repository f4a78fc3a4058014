// Checkpoints and logs on disk: round trips, damage, and writes that fail half-way.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
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

TEST_CASE("safetensors: every truncation and every flipped bit of a small file is noticed") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "a.safetensors");
  write_safetensors(path, sample(6.5f));
  const std::string good = read_file(path);
  for (std::size_t size = 0; size < good.size(); ++size) {
    std::ofstream(path, std::ios::binary) << good.substr(0, size);
    CHECK_MESSAGE(!error_of(path).empty(), "truncated to ", size);
  }
  const std::size_t payload = good.size() - 7 * sizeof(float);
  for (std::size_t at = payload; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = char(bad[at] ^ 1);
    std::ofstream(path, std::ios::binary) << bad;
    CHECK(error_of(path).find("checksum") != std::string::npos);
  }
  for (std::size_t at = 0; at < payload; ++at) {  // header damage: an error or other names, never a crash
    std::string bad = good;
    bad[at] = char(bad[at] ^ 4);
    std::ofstream(path, std::ios::binary) << bad;
    error_of(path);
  }
}

TEST_CASE("safetensors: missing files, directories and foreign element types are errors that name the file") {
  const TemporaryDirectory directory;
  CHECK(!error_of((directory / "missing")).empty());
  CHECK(!error_of(directory.path()).empty());
  const std::string header = R"({"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,8]}})";
  const std::uint64_t size = header.size();
  std::ofstream out((directory / "b"), std::ios::binary);
  out.write(reinterpret_cast<const char*>(&size), 8) << header << "12345678";
  out.close();
  CHECK(error_of((directory / "b")).find("BF16") != std::string::npos);
}

TEST_CASE("a write that fails keeps the old file and leaves nothing behind") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "a.safetensors");
  write_safetensors(path, sample(1.0f));
  const std::string old = read_file(path);

  // A limit on file size stands in for a full disk; in a child, because it cannot be lifted again.
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{64, 64};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_safetensors(path, sample(2.0f));
    } catch (const Error& error) {
      _exit(error.code() == ErrorCode::data ? 0 : 1);
    }
    _exit(2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(read_file(path) == old);
  CHECK(!std::filesystem::exists(path + ".tmp"));
  CHECK_THROWS_AS(write_safetensors((directory / "no/such/directory"), sample(1.0f)), Error);
}

TEST_CASE("kill -9 at any moment of a write leaves the old or the new file, whole") {
  const TemporaryDirectory directory;
  const std::string path = (directory / "a.safetensors");
  const auto big = [](float value) {
    TensorFile file;
    file.tensors = {{"w", {1 << 18}, std::vector<float>(1 << 18, value)}};
    return file;
  };
  write_safetensors(path, big(0.0f));
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      for (float value = 1.0f;; value += 1.0f) write_safetensors(path, big(value));
    }
    usleep(useconds_t(3000 + 1700 * round));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const TensorFile file = read_safetensors(path);
    const std::vector<float>& values = file.tensors.at(0).data;
    CHECK(values.front() == values.back());
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
  std::ofstream(path, std::ios::app) << R"({"schema":1,"eve)";
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
