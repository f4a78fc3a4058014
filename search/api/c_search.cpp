// rlnas.h: architectures, angles, searches, exports.
#include <nlohmann/json.hpp>

#include "engine/interruption.h"
#include "rlnas/search.hpp"
#include "search/api/c_support.h"
#include "search/search_fields.h"

using namespace rlnas::c;
using Json = nlohmann::ordered_json;
namespace search = rlnas::search;

struct rlnas_search {
  search::Options options;
};

struct rlnas_report {
  search::Report report;
};

// ---- architectures and angles

rlnas_status rlnas_spaces(char** json) {
  return guarded([&] { give(Json(search::spaces()).dump(), json); });
}

rlnas_status rlnas_sample(const char* space, std::int32_t count, char** json) {
  return guarded([&] { give(Json(search::sample(required_text(space, "space"), count)).dump(), json); });
}

rlnas_status rlnas_describe(const char* space, const char* arch, std::int32_t classes,
                            std::int32_t image_size, char** json) {
  return guarded([&] {
    give(search::describe(required_text(space, "space"), required_text(arch, "arch"), classes, image_size)
             .json,
         json);
  });
}

rlnas_status rlnas_indicators(char** json) {
  return guarded([&] {
    Json list = Json::array();
    for (const search::Indicator& one : search::indicators())
      list.push_back({{"name", one.name},
                      {"help", one.help},
                      {"needs_supernet", one.needs_supernet},
                      {"needs_images", one.needs_images}});
    give(list.dump(), json);
  });
}

rlnas_status rlnas_supernet_tensors(const char* space, std::int32_t classes, char** json) {
  return guarded([&] {
    Json list = Json::array();
    for (const search::TensorShape& one : search::supernet_tensors(required_text(space, "space"), classes))
      list.push_back({{"name", one.name}, {"shape", one.shape}});
    give(list.dump(), json);
  });
}

rlnas_status rlnas_angles_of_run(const char* run_directory, const char* const* archs, std::size_t count,
                                 double* angles) {
  return guarded([&] {
    const std::vector<double> found =
        rlnas::angles(required_text(run_directory, "run_directory"), texts_of(archs, count));
    if (count > 0) std::ranges::copy(found, &required(angles, "angles"));
  });
}

rlnas_status rlnas_angles_of_weights(const char* space, std::int32_t classes, const char* const* names,
                                     const float* const* initial, const float* const* trained,
                                     const std::int64_t* counts, std::size_t tensors,
                                     const char* const* archs, std::size_t count, double* angles) {
  return guarded([&] {
    std::vector<search::TensorWeights> weights;
    for (std::size_t t = 0; t < tensors; ++t)
      weights.push_back({required_text((&required(names, "names"))[t], "a name"),
                         (&required(initial, "initial"))[t], (&required(trained, "trained"))[t],
                         (&required(counts, "counts"))[t]});
    const std::vector<double> found =
        search::angles_of(required_text(space, "space"), classes, weights, texts_of(archs, count));
    if (count > 0) std::ranges::copy(found, &required(angles, "angles"));
  });
}

// ---- searches

namespace {

search::Callbacks callbacks_of(const rlnas_callbacks& c) {
  search::Callbacks callbacks{
      .generation = {}, .measured = {}, .should_stop = stop_of(c), .preparing = preparing_of(c)};
  if (c.progress == nullptr) return callbacks;
  callbacks.generation = [c](const search::Generation& now) {
    rlnas_progress progress = RLNAS_INIT(rlnas_progress);
    progress.step = now.number;
    progress.evaluated = now.evaluated;
    progress.best = now.best.c_str();
    progress.best_score = now.best_score;
    c.progress(c.user, &progress);
  };
  callbacks.measured = [c](std::int64_t done, std::int64_t total, double) {
    rlnas_progress progress = RLNAS_INIT(rlnas_progress);
    progress.step = done;
    progress.steps = total;
    c.progress(c.user, &progress);
  };
  return callbacks;
}

void put_found(const search::Found& of, rlnas_found* found) {
  rlnas_found own = RLNAS_INIT(rlnas_found);
  own.arch = of.arch.c_str();
  own.values = of.values.data();
  own.value_count = of.values.size();
  own.score = of.score;
  own.rank = of.rank;
  own.generation = of.generation;
  own.benchmark_index = of.benchmark_index;
  put(own, &required(found, "found"));
}

}  // namespace

rlnas_status rlnas_search_new(const char* space, rlnas_search** made) {
  return guarded([&] {
    required(made, "search");
    const std::string name = text_of(space);
    auto own = std::make_unique<rlnas_search>();
    own->options = search::default_options(name.empty() ? search::spaces().front() : name);
    if (name.empty()) own->options.space.clear();
    *made = own.release();
  });
}

void rlnas_search_free(rlnas_search* search) {
  delete search;
}

rlnas_status rlnas_search_set(rlnas_search* search, const char* name, const char* value) {
  return guarded([&] {
    const std::string wanted = required_text(name, "name"), text = required_text(value, "value");
    bool found = false;
    rlnas::visit_search_fields(required(search, "search").options,
                               [&](const rlnas::SearchField& field, auto& own) {
                                 if (wanted != field.name) return;
                                 read_value(wanted, text, own);
                                 found = true;
                               });
    RLNAS_CHECK(found, usage, "a search has no setting '", wanted, "': rlnas_search --help lists them");
  });
}

rlnas_status rlnas_search_indicator(rlnas_search* search, const char* name,
                                    std::int32_t (*value)(void* user, const char* arch, double* value),
                                    void* user) {
  return guarded([&] {
    RLNAS_CHECK(value != nullptr, usage, "an indicator without a function");
    required(search, "search")
        .options.own.push_back({required_text(name, "name"), [value, user](const std::string& arch) {
                                  double result = 0.0;
                                  if (value(user, arch.c_str(), &result) != 0) throw rlnas::Interrupted();
                                  return result;
                                }});
  });
}

rlnas_status rlnas_search_run(rlnas_search* search, const rlnas_callbacks* callbacks, rlnas_report** report) {
  return guarded([&] {
    required(report, "report");
    search::Report made = search::run(required(search, "search").options, callbacks_of(taken(callbacks)));
    if (made.interrupted) throw rlnas::Interrupted();
    *report = new rlnas_report{std::move(made)};
  });
}

rlnas_status rlnas_search_terms(const rlnas_search* search, std::size_t* terms) {
  return guarded(
      [&] { required(terms, "terms") = search::terms_of(required(search, "search").options).size(); });
}

rlnas_status rlnas_search_scores(rlnas_search* search, const char* const* archs, std::size_t count,
                                 const rlnas_callbacks* callbacks, double* values) {
  return guarded([&] {
    const std::vector<double> found = search::scores(required(search, "search").options,
                                                     texts_of(archs, count), callbacks_of(taken(callbacks)));
    if (count > 0) std::ranges::copy(found, &required(values, "values"));
  });
}

void rlnas_report_free(rlnas_report* report) {
  delete report;
}

std::size_t rlnas_report_evaluated(const rlnas_report* report) {
  return report == nullptr ? 0 : report->report.evaluated.size();
}

std::size_t rlnas_report_indicators(const rlnas_report* report) {
  return report == nullptr ? 0 : report->report.indicators.size();
}

const char* rlnas_report_indicator(const rlnas_report* report, std::size_t indicator) {
  return indicator < rlnas_report_indicators(report) ? report->report.indicators[indicator].c_str() : nullptr;
}

rlnas_status rlnas_report_get(const rlnas_report* report, std::size_t place, rlnas_found* found) {
  return guarded([&] {
    RLNAS_CHECK(place < rlnas_report_evaluated(report), usage, "architecture ", place, " of ",
                rlnas_report_evaluated(report));
    put_found(report->report.evaluated[place], found);
  });
}

rlnas_status rlnas_report_rank(const rlnas_report* report, std::size_t rank, rlnas_found* found) {
  return guarded([&] {
    RLNAS_CHECK(rank >= 1 && rank <= rlnas_report_evaluated(report), usage, "rank ", rank, " of ",
                rlnas_report_evaluated(report));
    const std::vector<search::Found>& all = report->report.evaluated;
    put_found(*std::ranges::find(all, int(rank), &search::Found::rank), found);
  });
}

const char* rlnas_report_text(const rlnas_report* report, const char* kind) {
  if (report == nullptr) return nullptr;
  const std::string name = text_of(kind);
  if (name == "text") return report->report.text.c_str();
  if (name == "json") return report->report.json.c_str();
  if (name == "profile") return report->report.profile.c_str();
  return name == "csv" ? report->report.csv.c_str() : nullptr;
}

// ---- exports

rlnas_status rlnas_export(const rlnas_export_options* options, const char* file) {
  return guarded([&] {
    const rlnas_export_options own = taken(&required(options, "options"));
    search::export_network({.space = text_of(own.space),
                            .arch = text_of(own.arch),
                            .trained = text_of(own.trained),
                            .supernet = text_of(own.supernet),
                            .classes = own.classes,
                            .image_size = own.image_size},
                           {required_text(file, "file")});
  });
}
