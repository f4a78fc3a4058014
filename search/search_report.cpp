#include "search/search_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>
#include <ostream>

#include "engine/atomic_file.h"
#include "kernels/check.h"
#include "search/choice_tables.h"
#include "search/csv.h"

namespace rlnas {
namespace {

using Json = nlohmann::ordered_json;

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char buffer[256];
  const int length = std::snprintf(buffer, sizeof buffer, pattern, values...);
  return {buffer, std::size_t(std::min(length, int(sizeof buffer) - 1))};
}

bool enumerable(const SearchReport& report) {
  return report.space_size > 0;
}

bool is_sum(const SearchReport& report) {
  return report.config.score.is_sum();
}

Json value_json(const IndicatorInfo& indicator, double value) {
  return indicator.is_count ? Json(std::int64_t(value)) : Json(value);
}

Json architecture_json(const FoundArchitecture& a, const SearchReport& report) {
  Json json{{"arch", a.text}};
  if (a.benchmark_index >= 0) json["index"] = a.benchmark_index;
  if (enumerable(report)) json["enumeration_index"] = a.enumeration_index;
  for (std::size_t k = 0; k < report.indicators.size(); ++k)
    json[report.indicators[k].key] = value_json(report.indicators[k], a.values[k]);
  if (is_sum(report)) json["score"] = a.score;
  return json;
}

Json correlation_json(const RankCorrelation& c) {
  return {
      {"kendall_tau_b", c.kendall_tau_b}, {"kendall_tau_rank", c.kendall_tau_rank}, {"spearman", c.spearman}};
}

Json agreement_json(const Agreement& agreement) {
  Json json = correlation_json(agreement.all);
  json["live"] = correlation_json(agreement.live);
  json["equal_macs"] = {{"kendall_tau_b", agreement.equal_macs}};
  return json;
}

// "angle", "op_angle_sum"; of counts "baseline_macs".
std::string correlation_key(const IndicatorInfo& indicator) {
  std::string key = indicator.name;
  std::replace(key.begin(), key.end(), '-', '_');
  return indicator.is_count ? "baseline_" + key : key;
}

std::string tau_text(double tau) {  // "-" where there is none, as of a constant score
  return std::isnan(tau) ? "     -" : format("%6.3f", tau);
}

std::string correlation_text(const RankCorrelation& c) {
  return tau_text(c.kendall_tau_b) + ' ' + tau_text(c.kendall_tau_rank) + ' ' + tau_text(c.spearman);
}

// "angle 0.812345 rad", "81.21 MFLOPs": in a sentence.
std::string value_text(const IndicatorInfo& indicator, double value) {
  const std::string name = indicator.name;
  if (name == "angle") return format("angle %.6f rad", value);
  if (name == "op-angle-sum") return format("op-angle-sum %.6f", value);
  if (name == "macs") return format("%.2f MFLOPs", value / 1e6);
  if (name == "params") return format("%lld parameters", static_cast<long long>(value));
  return name + format(" %g", value / indicator.unit);
}

// "#1462  11718  ": what the architecture is known by beside its text.
std::string names_text(const FoundArchitecture& a, const SearchReport& report) {
  std::string text;
  if (a.benchmark_index >= 0) text += format("#%-5d  ", a.benchmark_index);
  if (enumerable(report)) text += format("%5lld  ", static_cast<long long>(a.enumeration_index));
  return text;
}

void print_architecture(std::ostream& out, const FoundArchitecture& a, const SearchReport& report) {
  if (is_sum(report)) out << format("%9.4f", a.score) << "  ";
  for (std::size_t k = 0; k < a.values.size(); ++k)
    out << format(report.indicators[k].format, a.values[k] / report.indicators[k].unit) << "  ";
  out << names_text(a, report) << a.text << '\n';
}

// What the angle of the best means, in words.
void print_angle(std::ostream& out, const SearchReport& report) {
  const int place = report.place_of("angle");
  if (place < 0) return;
  const double own = report.best().values[std::size_t(place)];
  if (!(own > 0.0)) return;
  const auto below = std::ranges::count_if(
      report.evaluated, [&](const FoundArchitecture& a) { return a.values[std::size_t(place)] < own; });
  out << format(
      "        that is, training turned its weights, taken as one vector, by %.1f degrees, further than %.1f "
      "%% of those evaluated\n",
      own * 180.0 / std::numbers::pi, 100.0 * double(below) / double(report.evaluated.size()));
}

bool has_limits(const SearchReport& report) {
  const Constraint none, &limits = report.config.space.constraint;
  return limits.max_macs < none.max_macs || limits.max_params < none.max_params;
}

// How hard the limits made the search.
void print_acceptance(std::ostream& out, const SearchReport& report) {
  const RandomAcceptance& acceptance = report.acceptance;
  if (report.generations > 0 && has_limits(report)) {
    out << format("within the limits: %lld of %lld random proposals (%.3g %%)\n",
                  static_cast<long long>(acceptance.legal), static_cast<long long>(acceptance.proposals),
                  100.0 * acceptance.rate());
  }
  if (report.short_generations > 0) {
    out << "cut short: " << report.short_generations << " generation"
        << (report.short_generations == 1 ? "" : "s")
        << ", because too few of the proposals were new and within the limits\n";
  }
}

// How many networks it took, of those that there are.
void print_computed(std::ostream& out, const SearchReport& report) {
  if (!report.config.score.needs().measured()) return;
  out << "measured: " << report.networks_computed << " networks in this run";
  if (report.networks_in_space > 0)
    out << "; the space has " << report.networks_in_space << " different ones";
  out << '\n';
  if (!report.tried_on.empty()) out << "tried on: " << report.tried_on << '\n';
}

// From the angle found to what no angle exceeds.
double gap_rad(const SearchReport& report) {
  return std::max(0.0, report.optimum->proof.bound_rad - report.value(report.best(), "angle"));
}

void print_optimum(std::ostream& out, const SearchReport& report) {
  const Optimum& optimum = report.optimum->proof;
  if (optimum.proven)
    out << format("\nexact:  no architecture within the limits has a larger angle than %.9f rad",
                  optimum.bound_rad);
  else
    out << format("\nexact:  not finished; no angle is larger than %.9f rad", optimum.bound_rad);
  out << format(" (%lld nodes, %.2f s); the found one is within %.3g rad\n",
                static_cast<long long>(optimum.nodes), optimum.seconds, gap_rad(report));
  const FoundArchitecture& best = report.optimum->architecture;
  if (best.genes == report.best().genes) return;
  out << format("        %.9f rad, %.2f MFLOPs, %lld parameters: ", report.value(best, "angle"),
                report.value(best, "macs") / 1e6, static_cast<long long>(report.value(best, "params")))
      << best.text << '\n';
}

}  // namespace

// Kendall's tau-b again, where unreachable operations and the number of MACs cannot help.
void print_populations(std::ostream& out, const SearchReport& report) {
  const auto print = [&](const std::string& title, const auto& figure) {
    out << '\n' << title << ":\n";
    for (const ColumnCorrelation& c : report.correlations) {
      out << format("%-18s", c.column.c_str());
      if (is_sum(report)) out << "  " << tau_text(figure(c.score)) << format("%14s", "");
      for (const Agreement& one : c.indicators) out << "  " << tau_text(figure(one)) << format("%14s", "");
      out << '\n';
    }
  };
  print(
      "tau-b over the " + std::to_string(report.correlated_live) + " of them without unreachable operations",
      [](const Agreement& a) { return a.live.kendall_tau_b; });
  print("tau-b within groups of equal MACs", [](const Agreement& a) { return a.equal_macs; });
}

void print_report(std::ostream& out, const SearchReport& report) {
  const SearchConfig& config = report.config;
  const FoundArchitecture& best = report.best();
  out << "search: " << word_of(config.method) << " of " << config.space.name << ", score "
      << config.score.name;
  if (report.generations > 0) {
    out << ", seed " << config.evolution.seed << ", " << report.generations << " generations";
  }
  out << ", " << report.evaluated.size();
  if (enumerable(report)) out << " of " << report.space_size;
  out << " architectures evaluated\n";
  print_computed(out, report);
  print_acceptance(out, report);
  out << "\nfound:  " << best.text << '\n' << report.drawing;
  out << "        ";
  if (is_sum(report)) out << config.score.name << format(" %.4f, ", best.score);
  for (std::size_t k = 0; k < report.indicators.size(); ++k)
    out << (k > 0 ? ", " : "") << value_text(report.indicators[k], best.values[k]);
  if (best.benchmark_index >= 0) out << ", index #" << best.benchmark_index;
  if (enumerable(report)) out << " (enum:" << best.enumeration_index << ")";
  out << '\n';
  print_angle(out, report);
  if (report.optimum) print_optimum(out, report);
  out << "\nthe best " << report.top.size() << ":\n";
  if (is_sum(report)) out << "    score  ";
  for (const IndicatorInfo& indicator : report.indicators) out << indicator.heading << "  ";
  if (best.benchmark_index >= 0) out << "index   ";
  if (enumerable(report)) out << " enum  ";
  out << "architecture\n";
  for (const FoundArchitecture& a : report.top) print_architecture(out, a, report);
  if (report.correlations.empty()) return;

  out << "\nrank correlation with the true accuracy over "
      << (report.correlated == report.space_size ? "all " : "the ") << report.correlated
      << (report.correlated == report.space_size ? "" : " evaluated")
      << " architectures (Kendall tau-b, rank tau, Spearman rho):\n"
      << format("%-18s", "column");
  if (is_sum(report)) out << format("  %-20s", config.score.name.c_str());
  for (const IndicatorInfo& indicator : report.indicators)
    out << format("  %-20s", (std::string(indicator.name) + (indicator.is_count ? " alone" : "")).c_str());
  out << '\n';
  for (const ColumnCorrelation& c : report.correlations) {
    out << format("%-18s", c.column.c_str());
    if (is_sum(report)) out << "  " << correlation_text(c.score.all);
    for (const Agreement& one : c.indicators) out << "  " << correlation_text(one.all);
    out << '\n';
  }
  print_populations(out, report);
  out << "\nthe found architecture's true accuracy:\n"
      << format("%-18s  %8s  %6s  %10s  %15s\n", "column", "accuracy", "rank", "percentile",
                ("best of top " + std::to_string(report.top.size())).c_str());
  for (const ColumnCorrelation& c : report.correlations) {
    out << format("%-18s  %8.3f  %6d  %10.2f  %15.3f\n", c.column.c_str(), c.best.accuracy, c.best.rank,
                  c.best.percentile, c.best_of_top);
  }
}

std::string report_json(const SearchReport& report) {
  const SearchConfig& config = report.config;
  Json json{{"schema", 1},
            {"space", config.space.name},
            {"method", word_of(config.method)},
            {"score", config.score.name},
            {"compat", config.evolution.compat == Compat::megvii ? "megvii" : "none"},
            {"seed", config.evolution.seed},
            {"classes", config.space.classes},
            {"image_size", config.space.image_size},
            {"generations", report.generations},
            {"evaluations", report.evaluated.size()},
            {"networks_computed", report.networks_computed},
            {"best", architecture_json(report.best(), report)},
            {"top", Json::array()}};
  for (const FoundArchitecture& a : report.top) json["top"].push_back(architecture_json(a, report));
  if (!report.tried_on.empty()) json["tried_on"] = report.tried_on;
  if (report.generations > 0 && has_limits(report)) {
    json["random_proposals"] = {{"new", report.acceptance.proposals},
                                {"within_limits", report.acceptance.legal},
                                {"acceptance", report.acceptance.rate()}};
  }
  if (report.short_generations > 0) json["short_generations"] = report.short_generations;
  if (report.optimum) {
    const Optimum& proof = report.optimum->proof;
    Json optimum = architecture_json(report.optimum->architecture, report);
    optimum["proven"] = proof.proven;
    optimum["bound_rad"] = proof.bound_rad;
    optimum["nodes"] = proof.nodes;
    optimum["gap_rad"] = gap_rad(report);
    json["optimum"] = std::move(optimum);
  }
  for (const ColumnCorrelation& c : report.correlations) {
    json["best"]["truth"][c.column] = {
        {"accuracy", c.best.accuracy}, {"rank", c.best.rank}, {"percentile", c.best.percentile}};
    json["top_truth"][c.column] = {{"best", c.best_of_top}, {"mean", c.mean_of_top}};
    Json entry = agreement_json(c.score);
    for (std::size_t k = 0; k < c.indicators.size(); ++k)
      entry[correlation_key(report.indicators[k])] = agreement_json(c.indicators[k]);
    json["correlation"][c.column] = std::move(entry);
  }
  return json.dump(2) + "\n";
}

std::string report_csv(const SearchReport& report) {
  std::string text = enumerable(report) ? "enumeration_index," : "";
  text += "arch,";
  for (const IndicatorInfo& indicator : report.indicators) text += std::string(indicator.key) + ',';
  text += is_sum(report) ? "score,generation,rank" : "generation,rank";
  for (const std::string& column : report.truth_columns) text += ",truth_" + column;
  text += '\n';
  for (const FoundArchitecture& a : report.evaluated) {
    if (enumerable(report)) text += std::to_string(a.enumeration_index) + ',';
    text += csv_field(a.text) + ',';
    for (std::size_t k = 0; k < a.values.size(); ++k)
      text += (report.indicators[k].is_count ? std::to_string(std::int64_t(a.values[k]))
                                             : exact_number(a.values[k])) +
              ',';
    if (is_sum(report)) text += exact_number(a.score) + ',';
    text += (a.generation > 0 ? std::to_string(a.generation) : "") + ',' + std::to_string(a.rank);
    for (const double accuracy : a.accuracies) text += ',' + exact_number(accuracy);
    text += '\n';
  }
  return text;
}

void print_description(std::ostream& out, const SearchSpace& space, const Genes& genes) {
  const Space& plain = space.space();
  const bool benchmark = plain.benchmark_size() > 0;
  out << "architecture         " << space.text(genes) << '\n';
  if (benchmark)
    out << "benchmark index      #" << plain.benchmark_index(genes) << '\n'
        << "enumeration index    enum:" << enumeration_index(space, genes) << '\n';
  out << space.drawing(genes) << format("%-21s", plain.info().cost_name) << space.macs(genes) << '\n'
      << "parameters           " << space.params(genes);
  std::string by_classes;
  for (const int classes : plain.info().benchmark_classes) {
    by_classes += (by_classes.empty() ? " (" + std::to_string(classes) + " classes: "
                                      : ", " + std::to_string(classes) + ": ") +
                  std::to_string(
                      stand_alone_counts(plain, plain.published_stand_alone(classes, space.spec().image_size))
                          .params.of(genes));
  }
  out << by_classes << (by_classes.empty() ? "\n" : ")\n");
  for (const CellPaths& cell : space.cell_paths(genes)) {
    if (cell.cell.empty())
      out << "live paths           " << cell.live << "\npaths over edges    ";
    else
      out << format("%-21s%d, over edges", (cell.cell + " cell's paths").c_str(), cell.live);
    for (const CellPaths::Edge& edge : cell.edges)
      if (edge.paths > 0 || cell.cell.empty())
        out << ' ' << edge.target << "<-" << edge.source << ':' << edge.paths;
    out << '\n';
  }
  out << "angle vector length  " << space.angle_vector_length(genes) << '\n';
}

std::string description_json(const SearchSpace& space, const Genes& genes) {
  Json json{{"space", space.name()}, {"arch", space.text(genes)}};
  if (space.space().benchmark_size() > 0) {
    json["index"] = space.space().benchmark_index(genes);
    json["enumeration_index"] = enumeration_index(space, genes);
  }
  json["macs"] = space.macs(genes);
  json["params"] = space.params(genes);
  for (const CellPaths& cell : space.cell_paths(genes)) {
    Json multiplicity = Json::array();
    for (const CellPaths::Edge& edge : cell.edges) multiplicity.push_back(edge.paths);
    if (cell.cell.empty()) {
      json["live_paths"] = cell.live;
      json["multiplicity"] = std::move(multiplicity);
    } else {
      json["live_paths"][cell.cell] = cell.live;
      json["multiplicity"][cell.cell] = std::move(multiplicity);
    }
  }
  json["angle_vector_length"] = space.angle_vector_length(genes);
  return json.dump(2) + "\n";
}

void write_report_file(const std::string& flag, const std::string& path, const std::string& text) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  RLNAS_CHECK(!std::filesystem::exists(status) || std::filesystem::is_regular_file(status), data, flag, ' ',
              path, ": exists and is not a regular file");
  try {
    write_file_atomically(path, text);
  } catch (const Error& error) {
    throw Error(error.code(), flag + " " + error.what());
  }
}

}  // namespace rlnas
