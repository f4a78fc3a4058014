// Trains a SuperNet, and searches it by an indicator of one's own beside the angle.
#include <rlnas/rlnas.hpp>

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

    rlnas::search::Options options = rlnas::search::default_options("nasbench201");
    options.supernet = result.run_directory;
    options.evolution.population = 20;
    options.evolution.mutants = options.evolution.crossovers = 10;
    options.evolution.generations = 3;
    options.own = {{"light", [](const std::string& arch) {
                      return -double(rlnas::search::describe("nasbench201", arch).macs);
                    }}};
    options.score = "angle+light";
    int generations = 0;
    const rlnas::search::Report report =
        rlnas::search::run(options, {.generation = [&](const rlnas::search::Generation&) { ++generations; }});
    const rlnas::search::Found& best = report.best();
    std::printf("%s: rank 1 of %zu, angle %.4f rad\n", best.arch.c_str(), report.evaluated.size(),
                best.values[0]);
    if (generations != 3 || report.evaluated.size() != 60) return 1;
    if (rlnas::angles(result.run_directory, {best.arch}).front() != best.values[0]) return 1;
    rlnas::angles(result.run_directory, {"|nonsense~0|"});
  } catch (const rlnas::Error& error) {
    std::printf("caught: %s\n", error.what());
    return error.code() == rlnas::ErrorCode::usage ? 0 : 1;
  }
  return 1;
}
