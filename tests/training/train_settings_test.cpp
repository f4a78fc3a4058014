// Settings by their words: what is refused and how, and what the convolutions' algorithm does to a run.
#include "search/train_settings.h"

#include <sstream>

#include "apps/train_app.h"
#include "kernels/words.h"
#include "search/trained_network.h"
#include "search/training_plan.h"
#include "tests/support/errors.h"
#include "tests/support/temporary_directory.h"
#include "tests/training/small_run.h"

namespace rlnas {
namespace {

using test::contains;
using test::error_of;
using test::read_text;
using test::small_run;
using test::TemporaryDirectory;

}  // namespace

TEST_CASE("a size of images that does not fit is refused by the halvings of its own space") {
  const auto refusal = [](const std::string& space, int size) {
    TrainConfig config = default_train_config(space);
    config.data.image_size = size;
    return error_of(ErrorCode::usage, [&] { check_config(config); });
  };
  CHECK(contains(refusal("nasbench201", 30),
                 "30 is not a multiple of 4 (the network of nasbench201 halves it 2 times)"));
  CHECK(contains(refusal("darts-cifar", 34),
                 "34 is not a multiple of 4 (the network of darts-cifar halves it 2 times)"));
  for (const std::string space : {"darts-imagenet", "mobilenet"}) {
    CHECK(contains(refusal(space, 100),
                   "100 is not a multiple of 32 (the network of " + space + " halves it 5 times)"));
    CHECK(refusal(space, 96).empty());
  }
  CHECK(refusal("nasbench201", 36).empty());
}

TEST_CASE("--conv-algorithm is auto by default, and its words are those of the kernels") {
  TrainConfig config;
  CHECK(device_options(config).cpu.conv_algorithm == ConvAlgorithm::automatic);
  config.device.conv_algorithm = ConvAlgorithm::direct;
  CHECK(device_options(config).cpu.conv_algorithm == ConvAlgorithm::direct);
  config.device.conv_algorithm = ConvAlgorithm::winograd;
  CHECK(device_options(config).cpu.conv_algorithm == ConvAlgorithm::winograd);
  CHECK(error_of(ErrorCode::usage, [] { parse_word<ConvAlgorithm>("--conv-algorithm", "fft"); }) ==
        "--conv-algorithm: 'fft' is not one of auto, direct, winograd");
}

TEST_CASE("a choice takes its words and says which there are, after --help and --dump-config") {
  const auto outcome = [](std::vector<const char*> argv) {
    argv.insert(argv.begin(), "rlnas_train");
    std::ostringstream out, err;
    const int code = train_main(int(argv.size()), argv.data(), out, err);
    return std::pair(code, code == 0 ? out.str() : err.str());
  };
  const std::pair<std::string, std::string> choices[] = {
      {"--labels", "random, true"},
      {"--compat", "none, megvii"},
      {"--sampling", "per-cell, per-net"},
      {"--unsampled", "coast, freeze"},
      {"--crop", "shift, area, resized"},
      {"--split", "half, all"},
      {"--decay", "all, convolutions, convolutions-and-classifier"},
      {"--initializer", "pytorch, kaiming-fan-in, normal-fan-out"},
      {"--schedule", "cosine, cosine-ahead, linear, linear-ahead, darts-retrain"},
      {"--conv-algorithm", "auto, direct, winograd"},
      {"--precision", "fp32, tf32, bf16"},
      {"--pointwise", "cublas, cudnn"},
      {"--norm-and-pool", "own, cudnn"}};
  for (const auto& [flag, words] : choices) {
    CAPTURE(flag);
    const auto [code, error] = outcome({flag.c_str(), "other"});
    CHECK(code == int(ErrorCode::usage));
    CHECK(error == "rlnas_train: " + flag + ": 'other' is not one of " + words + "\n");
    for (const char* const reader : {"--help", "--dump-config"})
      CHECK(contains(outcome({flag.c_str(), "other", reader}).second, flag.substr(2)));
  }
}

TEST_CASE("a run goes on with the convolutions it was started with, or says what they were") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "run");
  config.device.conv_algorithm = ConvAlgorithm::direct;
  config.run.steps = 1;
  train(config);
  config.run.resume = "auto";
  config.device.conv_algorithm = TrainConfig{}.device.conv_algorithm;
  const std::string error = error_of(ErrorCode::usage, [&] { train(config); });
  CHECK(contains(error, "--conv-algorithm: \"auto\""));
  CHECK(contains(error, "was started with \"direct\""));
}

TEST_CASE("--threads is what runs, or is refused") {
  TrainConfig config;
  config.device.threads = 1025;
  CHECK(contains(error_of(ErrorCode::usage, [&] { check_config(config); }),
                 "--threads: 1025 is not in 0..1024"));
}

TEST_CASE("a smaller last batch never needs more memory than the largest, whatever computes it") {
  TrainConfig config = small_run("");
  const std::unique_ptr<TrainedNetwork> space = make_trained_network(config, {});
  StepSpec spec;
  spec.augment.height = spec.augment.width = config.data.image_size;
  for (const ConvAlgorithm algorithm :
       {ConvAlgorithm::automatic, ConvAlgorithm::direct, ConvAlgorithm::winograd}) {
    config.device.conv_algorithm = algorithm;
    CAPTURE(std::string(word_of(algorithm)));
    const DeviceChoice device = choose_device("cpu", device_options(config));
    std::size_t smaller = 0;
    for (const int batch : {1, 8, 15, 16, 31, 32, 33}) {  // auto chooses anew at 16 and at 32
      const std::size_t bytes = dry_run(*space, *device.backend, batch, spec).step_bytes;
      CAPTURE(batch);
      CHECK(bytes > smaller);
      smaller = bytes;
    }
  }
}

TEST_CASE(
    "an epoch that ends in a small batch stays within its plan, on any number of threads to the same bits") {
  const TemporaryDirectory directory;
  TrainConfig config = small_run(directory / "one");
  config.data.spec = "synthetic:40";
  config.recipe.batch_size = 32;  // by Winograd, then 8 images directly
  config.device.threads = 1;
  const TrainPlan plan = plan_training(config);
  CHECK(train(config).step_memory_bytes <= plan.step_memory_bytes);
  config.run.out = directory / "two";
  config.device.threads = 2;
  train(config);
  CHECK(read_text(directory / "one/latest.safetensors") == read_text(directory / "two/latest.safetensors"));
}

}  // namespace rlnas
