#include "search/evolution_state.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "engine/atomic_file.h"
#include "engine/bounded_json.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr int kVersion = 2;
constexpr const char* kFormat = "rlnas search state";

// Minus infinity, which JSON has not, is null.
std::vector<double> values_of(const nlohmann::json& list) {
  std::vector<double> values;
  for (const nlohmann::json& value : list)
    values.push_back(value.is_null() ? -std::numeric_limits<double>::infinity() : value.get<double>());
  return values;
}

}  // namespace

void write_search_state(const std::string& path, const std::string& fingerprint, const EvolutionRun& run) {
  nlohmann::json state{{"format", kFormat},
                       {"version", kVersion},
                       {"fingerprint", fingerprint},
                       {"generations", run.generations},
                       {"evaluated", nlohmann::json::array()}};
  for (const Candidate& c : run.evaluated) {
    state["evaluated"].push_back({{"genes", c.genes}, {"values", c.values}, {"macs", c.macs}});
  }
  write_file_atomically(path, state.dump());
}

std::vector<Candidate> read_search_state(const std::string& path, const std::string& fingerprint) {
  const std::string text = read_file(path);
  try {
    const nlohmann::json state = parse_json<nlohmann::json>(text);
    RLNAS_CHECK(state.at("format") == kFormat && state.at("version") == kVersion, data, path,
                ": not a search state of version ", kVersion);
    RLNAS_CHECK(
        state.at("fingerprint") == fingerprint, data, path,
        ": belongs to another search (other weights, options or limits); leave out --resume to start anew");
    std::vector<Candidate> evaluated;
    for (const nlohmann::json& c : state.at("evaluated")) {
      evaluated.push_back(
          {c.at("genes").get<Genes>(), 0.0, c.at("macs").get<std::int64_t>(), values_of(c.at("values"))});
    }
    return evaluated;
  } catch (const nlohmann::json::exception&) {
    fail(ErrorCode::data, path,
         ": not a search state (truncated or damaged); leave out --resume to start anew");
  }
}

}  // namespace rlnas
