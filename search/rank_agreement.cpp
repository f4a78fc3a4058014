#include "search/rank_agreement.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <iomanip>
#include <sstream>

#include "engine/crc32.h"
#include "kernels/words.h"
#include "search/train_fields.h"

namespace rlnas {
namespace {

void share(FlatBuffer& buffer, const char* what, Communicator& communicator) {
  std::vector<float> values = buffer.download();
  communicator.broadcast_all(values, what);
  buffer.upload(values);
}

}  // namespace

void check_same_run(const TrainConfig& config, std::uint32_t data_checksum, const DeviceChoice& device,
                    Communicator& communicator) {
  std::ostringstream settings;
  settings << std::setprecision(17) << config.run.steps;
  visit_train_fields(config, [&](const TrainField& field, const auto& value) {
    // Where the data lies may differ from machine to machine; what it is may not.
    if (field.on_resume == OnResume::keep && std::string_view(field.name) != "data")
      settings << ' ' << field.name << '=' << as_written(value);
  });
  struct Facts {
    std::uint32_t settings, data;
    DeviceKind device;
  };
  const std::vector<Facts> all = communicator.gather_values(
      Facts{crc32_of(settings.str()), data_checksum, device.kind}, "check of settings");
  for (std::size_t r = 1; r < all.size(); ++r) {
    RLNAS_CHECK(all[r].settings == all[0].settings, usage, "rank ", r,
                " was started with other settings than rank 0");
    RLNAS_CHECK(all[r].data == all[0].data, data, "--data ", config.data.spec, ": rank ", r,
                " reads other images than rank 0");
    RLNAS_CHECK(all[r].device == all[0].device, device, "--device ", config.device.name, ": rank ", r,
                " runs on ", name_of(all[r].device), ", rank 0 on ", name_of(all[0].device),
                "; all ranks need the same kind of device (rank ", communicator.rank(), ": ", device.reason,
                ")");
  }
}

void check_own_devices(const std::string& own, Communicator& communicator) {
  std::array<char, 64> text = {};
  own.copy(text.data(), text.size() - 1);
  const auto all = communicator.gather_values(text, "check of devices");
  for (std::size_t r = 1; r < all.size(); ++r)
    for (std::size_t other = 0; other < r; ++other)
      RLNAS_CHECK(all[r][0] == '\0' || all[r] != all[other], device, "ranks ", other, " and ", r,
                  " have one device, ", all[r].data(),
                  "; of several ranks on a machine each needs its own: start fewer, or let each see its own "
                  "(CUDA_VISIBLE_DEVICES)");
}

void share_state(Executor& state, RunProgress& progress, Communicator& communicator) {
  if (communicator.size() == 1) return;
  communicator.broadcast_value(progress, "progress");
  share(state.parameters().weights(), "weights", communicator);
  share(state.parameters().momentum(), "momentum", communicator);
  share(state.statistics(), "statistics", communicator);
  share(state.initial_weights(), "initial weights", communicator);
  std::vector<std::uint8_t> sampled = state.parameters().ever_sampled();
  communicator.broadcast_all(sampled, "sampled segments");
  state.parameters().set_ever_sampled(std::move(sampled));
}

void share_statistics(Executor& state, Communicator& communicator) {
  if (communicator.size() > 1) share(state.statistics(), "statistics", communicator);
}

LossSums sum_over_ranks(const LossSums& own, Communicator& communicator) {
  LossSums total;
  for (const LossSums& sums : communicator.gather_values(own, "losses")) {
    total.loss += sums.loss;
    total.correct += sums.correct;
  }
  return total;
}

std::vector<double> mean_over_ranks(std::vector<double> own, double share, Communicator& communicator) {
  for (double& value : own) value *= share;
  if (communicator.size() == 1) return own;
  std::vector<double> all(own.size() * std::size_t(communicator.size()));
  communicator.all_gather(own.data(), own.size() * sizeof(double), all.data(), "gradients of the mixture");
  for (std::size_t i = 0; i < own.size(); ++i) {
    own[i] = 0.0;
    for (std::size_t r = 0; r < std::size_t(communicator.size()); ++r) own[i] += all[r * own.size() + i];
  }
  return own;
}

void check_same_weights(const std::vector<float>& weights, Communicator& communicator) {
  if (communicator.size() == 1) return;
  const std::vector<std::uint32_t> all = communicator.gather_values(
      crc32_of(weights.data(), weights.size() * sizeof(float)), "check of the weights");
  for (std::size_t r = 1; r < all.size(); ++r)
    RLNAS_CHECK(all[r] == all[0], run_failed, "the weights of rank ", r,
                " differ from those of rank 0 after step ", communicator.step(),
                ": are all ranks the same program on the same kind of device?");
}

int threads_of_rank(const RankPlace& place) {
  if (place.local_size == 1) return 0;
  const int machine = int(sysconf(_SC_NPROCESSORS_ONLN));
  return std::max(1, std::min(cpu_cores(), machine / place.local_size));
}

}  // namespace rlnas
