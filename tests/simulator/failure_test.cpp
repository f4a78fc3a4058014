// Training on a simulated device on which something fails: at every kind of call, early and late. Each time
// there is one clean error of the right code, everything on the device is given back, no finished epoch is
// lost, and the run goes on to the bits of a run that nothing happened to.
#include <algorithm>
#include <filesystem>
#include <set>

#include "kernels/check.h"
#include "tests/simulator/simulated.h"
#include "tests/simulator/tiny_run.h"

namespace rlnas::test {
namespace {

using simulator::Call;

constexpr int kEpochs = 2;

// What a run of two epochs of one step leaves after each, and how many calls of each kind it makes.
struct Undisturbed {
  Undisturbed() {
    const TemporaryDirectory directory;
    on_simulated_device({}, [&] {
      TrainConfig config = tiny_run(directory / "run", 1, kEpochs);
      config.run.steps = 1;
      train(config);
      after_epoch[0] = bytes_of(config.run.out);
    });
    on_simulated_device({}, [&] {
      train(tiny_run(directory / "whole", 1, kEpochs));
      after_epoch[1] = bytes_of(directory / "whole");
      usage = simulator::usage();
    });
  }
  std::string after_epoch[kEpochs];
  simulator::Usage usage;
};

const Undisturbed& undisturbed() {
  static const Undisturbed undisturbed;
  return undisturbed;
}

// The first calls and the last, and some between.
std::set<std::int64_t> some_of(std::int64_t calls) {
  std::set<std::int64_t> chosen = {1, 2, calls / 4, calls / 2, calls - calls / 4, calls - 1, calls};
  std::erase_if(chosen, [&](std::int64_t call) { return call < 1 || call > calls; });
  return chosen;
}

void train_with_failure(const TrainConfig& config, Call kind, std::int64_t at) {
  on_simulated_device({.seed = std::uint64_t(at), .fail_kind = kind, .fail_at = at}, [&] {
    std::string message;
    try {
      train(config);
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::device);
      message = error.what();
    }
    CAPTURE(message);
    CHECK(!message.empty());
    CHECK(message.find('\n') == std::string::npos);
  });
}

void check_failures(Call kind, const std::set<std::int64_t>& calls) {
  REQUIRE(!calls.empty());
  for (const std::int64_t at : calls) {
    CAPTURE(at);
    const TemporaryDirectory directory;
    TrainConfig config = tiny_run(directory / "run", 1, kEpochs);
    train_with_failure(config, kind, at);
    const bool saved = std::filesystem::exists(config.run.out + "/latest.safetensors");
    if (saved) CHECK(std::ranges::count(undisturbed().after_epoch, bytes_of(config.run.out)) == 1);
    if (!saved && at != *calls.rbegin()) continue;  // nothing to go on with: it would be a run like any other
    config.run.resume = "auto";
    on_simulated_device({}, [&] { train(config); });
    CHECK(bytes_of(config.run.out) == undisturbed().after_epoch[1]);
  }
}

std::set<std::int64_t> all_of(std::int64_t calls) {
  std::set<std::int64_t> all;
  for (std::int64_t call = 1; call <= calls; ++call) all.insert(call);
  return all;
}

std::int64_t calls_of(Call kind) {
  return undisturbed().usage.calls[int(kind)];
}

}  // namespace

TEST_CASE("training ends cleanly whichever allocation fails") {
  CHECK(calls_of(Call::allocate) >= 8);
  check_failures(Call::allocate, all_of(calls_of(Call::allocate)));
  check_failures(Call::allocate_host, all_of(calls_of(Call::allocate_host)));
  check_failures(Call::stream, all_of(calls_of(Call::stream)));
  check_failures(Call::cublas, all_of(calls_of(Call::cublas)));
}
TEST_CASE("training ends cleanly when a copy fails") {
  check_failures(Call::copy, some_of(calls_of(Call::copy)));
}
TEST_CASE("training ends cleanly when a kernel launch fails") {
  check_failures(Call::launch, some_of(calls_of(Call::launch)));
}
TEST_CASE("training ends cleanly when an event fails") {
  check_failures(Call::event, some_of(calls_of(Call::event)));
}
TEST_CASE("training ends cleanly when cuDNN fails") {
  check_failures(Call::cudnn, some_of(calls_of(Call::cudnn)));
}
TEST_CASE("training ends cleanly when work fails on the device") {
  check_failures(Call::execute, some_of(calls_of(Call::execute)));
}

}  // namespace rlnas::test
