// Trains a few steps and ranks the space through the installed library alone.
#include <rlnas/rlnas.hpp>

#include <algorithm>
#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    rlnas::TrainConfig config;
    config.data.spec = "synthetic:64";
    config.data.image_size = 16;
    config.recipe.batch_size = 16;
    config.recipe.epochs = 1;
    config.run.out = argv[1];
    const rlnas::TrainResult result = rlnas::train(config);
    const std::vector<double> angles = rlnas::nasbench201_angles(result.run_directory);
    const auto best = std::max_element(angles.begin(), angles.end()) - angles.begin();
    const auto arch = rlnas::nasbench201_architecture("enum:" + std::to_string(best));
    std::printf("%s: %.4f rad, %.2f MFLOPs\n", arch.arch.c_str(), angles[std::size_t(best)],
                double(arch.macs) / 1e6);
    const std::vector<double> again = rlnas::angles(result.run_directory, {arch.arch, "enum:0"});
    if (again != std::vector<double>{angles[std::size_t(best)], angles[0]}) return 1;
    rlnas::angles(result.run_directory, {"|nonsense~0|"});
  } catch (const rlnas::Error& error) {
    std::printf("caught: %s\n", error.what());
    return error.code() == rlnas::ErrorCode::usage ? 0 : 1;
  }
  return 1;
}
