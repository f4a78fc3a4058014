#include "search/search_report.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>

#include "engine/atomic_file.h"
#include "kernels/check.h"
#include "search/nasbench201/counts.h"

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

Json architecture_json(const FoundArchitecture& a, const SearchReport& report) {
  Json json{{"arch", a.text}};
  for (const NamedNumber& number : a.numbers) json[number.name] = number.value;
  if (enumerable(report)) json["enumeration_index"] = a.enumeration_index;
  json["angle_rad"] = a.angle_rad;
  json["op_angle_sum"] = a.op_angle_sum;
  json["macs"] = a.macs;
  json["params"] = a.params;
  return json;
}

Json correlation_json(const RankCorrelation& c) {
  return {
      {"kendall_tau_b", c.kendall_tau_b}, {"kendall_tau_rank", c.kendall_tau_rank}, {"spearman", c.spearman}};
}

std::string correlation_text(const RankCorrelation& c) {
  return format("%6.3f %6.3f %6.3f", c.kendall_tau_b, c.kendall_tau_rank, c.spearman);
}

// "#1462  11718  ": what the architecture is known by beside its text.
std::string names_text(const FoundArchitecture& a, const SearchReport& report) {
  std::string text;
  for (const NamedNumber& number : a.numbers)
    text += format("#%-5lld  ", static_cast<long long>(number.value));
  if (enumerable(report)) text += format("%5lld  ", static_cast<long long>(a.enumeration_index));
  return text;
}

void print_architecture(std::ostream& out, const FoundArchitecture& a, const SearchReport& report) {
  out << format("%8.6f  %9.6f  %8.2f  %9lld  ", a.angle_rad, a.op_angle_sum, double(a.macs) / 1e6,
                static_cast<long long>(a.params))
      << names_text(a, report) << a.text << '\n';
}

// Quoted where a genotype's commas would split it.
std::string csv_field(const std::string& text) {
  return text.find(',') == std::string::npos ? text : '"' + text + '"';
}

// The shortest text that reads back to the same bits.
std::string exact_number(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
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

// From the angle found to what no angle exceeds.
double gap_rad(const SearchReport& report) {
  return std::max(0.0, report.optimum->proof.bound_rad - report.best().angle_rad);
}

void print_optimum(std::ostream& out, const SearchReport& report) {
  const SearchSpace::Optimum& optimum = report.optimum->proof;
  if (optimum.proven)
    out << format("\nexact:  no architecture within the limits has a larger angle than %.9f rad",
                  optimum.bound_rad);
  else
    out << format("\nexact:  not finished; no angle is larger than %.9f rad", optimum.bound_rad);
  out << format(" (%lld nodes, %.2f s); the found one is within %.3g rad\n",
                static_cast<long long>(optimum.nodes), optimum.seconds, gap_rad(report));
  const FoundArchitecture& best = report.optimum->architecture;
  if (best.genes == report.best().genes) return;
  out << format("        %.9f rad, %.2f MFLOPs, %lld parameters: ", best.angle_rad, double(best.macs) / 1e6,
                static_cast<long long>(best.params))
      << best.text << '\n';
}

}  // namespace

void print_report(std::ostream& out, const SearchReport& report) {
  const SearchConfig& config = report.config;
  const FoundArchitecture& best = report.best();
  out << "search: " << to_string(config.method) << " of " << config.space.name << ", score "
      << to_string(config.space.score);
  if (report.generations > 0) {
    out << ", seed " << config.evolution.seed << ", " << report.generations << " generations";
  }
  out << ", " << report.evaluated.size();
  if (enumerable(report)) out << " of " << report.space_size;
  out << " architectures evaluated\n";
  print_acceptance(out, report);
  out << "\nfound:  " << best.text << '\n' << report.drawing;
  out << format("        angle %.6f rad, op-angle-sum %.6f, %.2f MFLOPs, %lld parameters", best.angle_rad,
                best.op_angle_sum, double(best.macs) / 1e6, static_cast<long long>(best.params));
  for (const NamedNumber& number : best.numbers) out << ", " << number.name << " #" << number.value;
  if (enumerable(report)) out << " (enum:" << best.enumeration_index << ")";
  out << '\n';
  if (report.optimum) print_optimum(out, report);
  out << "\nthe best " << report.top.size() << ":\n   angle  op-a.-sum    MFLOPs     params  ";
  for (const NamedNumber& number : best.numbers) out << format("%-6s  ", number.name);
  if (enumerable(report)) out << " enum  ";
  out << "architecture\n";
  for (const FoundArchitecture& a : report.top) print_architecture(out, a, report);
  if (report.correlations.empty()) return;

  out << "\nrank correlation with the true accuracy over all " << report.space_size
      << " architectures (Kendall tau-b, rank tau, Spearman rho):\n"
      << format("%-18s  %-20s  %-20s  %-20s  %-20s\n", "column", "angle", "op-angle-sum", "MACs alone",
                "params alone");
  for (const ColumnCorrelation& c : report.correlations) {
    out << format("%-18s  ", c.column.c_str()) << correlation_text(c.angle) << "  "
        << correlation_text(c.op_angle_sum) << "  " << correlation_text(c.macs) << "  "
        << correlation_text(c.params) << '\n';
  }
  out << "\nthe found architecture's true accuracy:\n"
      << format("%-18s  %8s  %6s  %10s\n", "column", "accuracy", "rank", "percentile");
  for (const ColumnCorrelation& c : report.correlations) {
    out << format("%-18s  %8.3f  %6d  %10.2f\n", c.column.c_str(), c.best.accuracy, c.best.rank,
                  c.best.percentile);
  }
}

std::string report_json(const SearchReport& report) {
  const SearchConfig& config = report.config;
  Json json{{"schema", 1},
            {"space", config.space.name},
            {"method", to_string(config.method)},
            {"score", to_string(config.space.score)},
            {"compat", config.evolution.compat == Compat::megvii ? "megvii" : "none"},
            {"seed", config.evolution.seed},
            {"classes", config.space.classes},
            {"image_size", config.space.image_size},
            {"generations", report.generations},
            {"evaluations", report.evaluated.size()},
            {"best", architecture_json(report.best(), report)},
            {"top", Json::array()}};
  for (const FoundArchitecture& a : report.top) json["top"].push_back(architecture_json(a, report));
  if (report.generations > 0 && has_limits(report)) {
    json["random_proposals"] = {{"new", report.acceptance.proposals},
                                {"within_limits", report.acceptance.legal},
                                {"acceptance", report.acceptance.rate()}};
  }
  if (report.short_generations > 0) json["short_generations"] = report.short_generations;
  if (report.optimum) {
    const SearchSpace::Optimum& proof = report.optimum->proof;
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
    Json entry = correlation_json(config.space.score == ScoreKind::angle ? c.angle : c.op_angle_sum);
    entry["angle"] = correlation_json(c.angle);
    entry["op_angle_sum"] = correlation_json(c.op_angle_sum);
    entry["baseline_macs"] = correlation_json(c.macs);
    entry["baseline_params"] = correlation_json(c.params);
    json["correlation"][c.column] = std::move(entry);
  }
  return json.dump(2) + "\n";
}

std::string report_csv(const SearchReport& report) {
  std::string text = enumerable(report) ? "enumeration_index," : "";
  text += "arch,angle_rad,op_angle_sum,macs,params,generation,rank\n";
  for (const FoundArchitecture& a : report.evaluated) {
    if (enumerable(report)) text += std::to_string(a.enumeration_index) + ',';
    text += csv_field(a.text) + ',' + exact_number(a.angle_rad) + ',' + exact_number(a.op_angle_sum) + ',' +
            std::to_string(a.macs) + ',' + std::to_string(a.params) + ',' +
            (a.generation > 0 ? std::to_string(a.generation) : "") + ',' + std::to_string(a.rank) + '\n';
  }
  return text;
}

void print_description(std::ostream& out, const nasbench201::CellDescription& d) {
  out << "architecture         " << nasbench201::to_string(d.cell) << '\n'
      << "benchmark index      #" << d.index << '\n'
      << "enumeration index    enum:" << d.enumeration_index << '\n'
      << "MACs                 " << d.macs << '\n'
      << "parameters           " << d.params << " (10 classes: " << nasbench201::params(d.cell, 10)
      << ", 100: " << nasbench201::params(d.cell, 100) << ", 120: " << nasbench201::params(d.cell, 120)
      << ")\n"
      << "live paths           " << d.live_paths << '\n'
      << "paths over edges    ";
  for (std::size_t edge = 0; edge < nasbench201::kEdgeCount; ++edge) {
    const nasbench201::Edge& e = nasbench201::kEdges[edge];
    out << ' ' << e.target << "<-" << e.source << ':' << d.multiplicity[edge];
  }
  out << "\nangle vector length  " << d.angle_vector_length << '\n';
}

std::string description_json(const nasbench201::CellDescription& d) {
  const Json json{{"arch", nasbench201::to_string(d.cell)},
                  {"index", d.index},
                  {"enumeration_index", d.enumeration_index},
                  {"macs", d.macs},
                  {"params", d.params},
                  {"live_paths", d.live_paths},
                  {"multiplicity", d.multiplicity},
                  {"angle_vector_length", d.angle_vector_length}};
  return json.dump(2) + "\n";
}

void print_description(std::ostream& out, const SearchSpace& space, const Genes& genes) {
  out << "architecture         " << space.text(genes) << '\n'
      << space.drawing(genes) << "FLOPs                " << space.macs(genes) << '\n'
      << "parameters           " << space.params(genes) << '\n';
  for (const CellPaths& cell : space.cell_paths(genes)) {
    out << format("%-21s%d, over edges", (cell.cell + " cell's paths").c_str(), cell.live);
    for (const CellPaths::Edge& edge : cell.edges)
      if (edge.paths > 0) out << ' ' << edge.target << "<-" << edge.source << ':' << edge.paths;
    out << '\n';
  }
  out << "angle vector length  " << space.angle_vector_length(genes) << '\n';
}

std::string description_json(const SearchSpace& space, const Genes& genes) {
  Json json{{"space", space.name()},
            {"arch", space.text(genes)},
            {"macs", space.macs(genes)},
            {"params", space.params(genes)}};
  for (const CellPaths& cell : space.cell_paths(genes)) {
    json["live_paths"][cell.cell] = cell.live;
    for (const CellPaths::Edge& edge : cell.edges) json["multiplicity"][cell.cell].push_back(edge.paths);
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
