// What runs leave and are given: checkpoints, run.json, events, states of searches, --config, the first words
// of a rank.
#include <sstream>

#include "apps/flat_config.h"
#include "engine/comm/meeting.h"
#include "engine/event_log.h"
#include "engine/safetensors.h"
#include "search/evolution_state.h"
#include "search/report/training_record.h"
#include "search/run_directory.h"
#include "search/state_metadata.h"
#include "tests/fuzz/target_list.h"

namespace rlnas::fuzz {
// What a resumed run asks of a checkpoint.
void resume_state(Bytes bytes) {
  const std::string path = scratch_file("weights.safetensors", bytes);
  const StateMetadata metadata(read_safetensors(path).metadata, path);
  const RunProgress progress = metadata.progress({.steps = 1000, .images = 1000});
  require(progress.step >= 0 && progress.step <= 1000, "a step is one of the run");
  metadata.flags("ever_sampled", 3);
}

void run_json(Bytes bytes) {
  Parts parts(bytes);
  scratch_file("space.json", parts.next());
  scratch_file("run.json", parts.rest());
  RunDirectory(scratch_directory()).recorded();
}

void events(Bytes bytes) {
  const std::string path = scratch_file("events.jsonl", bytes);
  EventLog(path, 100).write("end", 100, 0.0, {}, {});
  parse_training_events(path, text_of(bytes));
}

void search_state(Bytes bytes) {
  const std::string path = scratch_file("search_state.json", bytes);
  const std::vector<Candidate> evaluated = read_search_state(path, "");
  EvolutionRun run;
  run.evaluated = evaluated;
  write_search_state(path, "", run);
  const std::vector<Candidate> again = read_search_state(path, "");
  require(again.size() == evaluated.size(), "a state is read as it was written");
  for (std::size_t i = 0; i < again.size(); ++i)
    require(again[i].genes == evaluated[i].genes && again[i].values.size() == evaluated[i].values.size(),
            "a candidate is read as it was written");
}

void config(Bytes bytes) {
  std::istringstream text{std::string(text_of(bytes))};
  for (const CLI::ConfigItem& item : FlatConfig().from_config(text))
    require(!item.inputs.empty(), "an option of a file has a value");
}

void greeting(Bytes bytes) {
  const RankPlace place{.rank = 0, .size = 3};
  const std::string token = "a secret of this run";
  Guest guest(place, token);
  // Bytes come as the network likes: the first one says in which pieces.
  const std::string_view all = text_of(bytes);
  const std::size_t piece = all.empty() ? 1 : 1 + std::size_t(all[0] & 0x7f);
  for (std::size_t at = 1; at < all.size(); at += piece) {
    std::string reply;
    const Guest::Verdict verdict = guest.take(all.substr(at, piece), reply);
    require(verdict != Guest::Verdict::knows_token, "nobody guesses a proof");
    require(reply.empty() || reply.size() == sizeof(Answer), "who may be a rank is answered once");
    if (verdict == Guest::Verdict::stranger) return;
  }
}

}  // namespace rlnas::fuzz
