// What a run tells: lines and progress to its callbacks, events to events.jsonl and TensorBoard. Rank 0 alone
// speaks; on the others all of it is silent.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/comm/communicator.h"
#include "engine/event_log.h"
#include "rlnas/train.hpp"
#include "search/run_pace.h"
#include "search/state_metadata.h"
#include "search/tensorboard_log.h"

namespace rlnas {

class RunLog {
 public:
  // Events bear the time of `pace`. Both references must outlive the log.
  RunLog(const TrainCallbacks& callbacks, const RankPlace& place, const RunPace& pace)
      : callbacks_(callbacks), pace_(pace), speaks_(place.rank == 0) {}

  void line(const std::string& text) const;
  void progress(const TrainProgress& now) const;

  // Before this no event is written, nor ever in a run that only evaluates. step: that the run goes on from.
  // tensorboard: directory of its event files; empty: none.
  void open_events(const std::string& path, const std::string& tensorboard, std::int64_t step);
  void step_event(const TrainProgress& now, double step_loss);
  void epoch_event(const TrainProgress& now);
  void test_event(const TrainResult& result, const RunProgress& progress);

 private:
  void write(const char* event, std::int64_t step, const EventLog::Fields& fields,
             const EventLog::Texts& texts = {});
  void show(std::int64_t step, const TensorboardLog::Scalars& scalars);

  const TrainCallbacks& callbacks_;
  const RunPace& pace_;
  bool speaks_;
  std::unique_ptr<EventLog> events_;
  std::unique_ptr<TensorboardLog> tensorboard_;
};

}  // namespace rlnas
