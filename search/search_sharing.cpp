#include "search/search_sharing.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "search/rank_agreement.h"
#include "search/spaces.h"
#include "search/train_config_text.h"

namespace rlnas {
namespace {

// What rank 0 tells the others, for them to make the same space and measures; strings travel on their own.
struct SharedSpec {
  int classes, image_size;
  Constraint constraint;
  Compat compat;
  int probe_batch, probe_draws;
  std::uint64_t probe_seed;
  int recalibration_batches, eval_images, eval_batch;
  std::optional<std::uint32_t> data_checksum;
};

}  // namespace

void share_search(SearchConfig& config, std::vector<AngleSums>& sums, Communicator& communicator) {
  SpaceSpec& space = config.space;
  SuperNetConfig& supernet = config.supernet;
  SharedSpec shared{
      space.classes,        space.image_size,   space.constraint,      space.compat,
      config.probe.batch,   config.probe.draws, config.probe.seed,     supernet.recalibration_batches,
      supernet.eval_images, supernet.batch,     supernet.data_checksum};
  std::string run =
      to_json(supernet.run).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::string data = supernet.run.data.spec, eval = supernet.run.eval.spec;  // which may be no UTF-8
  std::string file_text = communicator.rank() == 0 ? find_space(space.name).file_text() : std::string();
  communicator.broadcast_all(space.name, "space");
  communicator.broadcast_all(file_text, "space");
  if (!file_text.empty()) add_file_space(file_text, "space of rank 0");
  communicator.broadcast_all(config.score.name, "score");
  communicator.broadcast_all(config.probe.data, "score");
  communicator.broadcast_all(supernet.weights, "SuperNet");
  communicator.broadcast_all(run, "SuperNet");
  communicator.broadcast_all(data, "SuperNet");
  communicator.broadcast_all(eval, "SuperNet");
  communicator.broadcast_value(shared, "space");
  communicator.broadcast_all(sums, "angles");
  config.score = parse_score(config.score.name);
  space.classes = shared.classes;
  space.image_size = shared.image_size;
  space.constraint = shared.constraint;
  space.compat = shared.compat;
  config.probe.batch = shared.probe_batch;
  config.probe.draws = shared.probe_draws;
  config.probe.seed = shared.probe_seed;
  supernet.run = train_config_of(nlohmann::ordered_json::parse(run), "rank 0");
  supernet.run.data.spec = data;
  supernet.run.eval.spec = eval;
  supernet.run.data.threads = config.device.threads;
  supernet.recalibration_batches = shared.recalibration_batches;
  supernet.eval_images = shared.eval_images;
  supernet.batch = shared.eval_batch;
  supernet.data_checksum = shared.data_checksum;
}

}  // namespace rlnas
