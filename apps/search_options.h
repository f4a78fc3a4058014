// The options of rlnas_search, as they are typed.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "apps/comm_options.h"
#include "search/evolution.h"
#include "search/report/report_files.h"
#include "search/search_measures.h"
#include "search/supernet_data.h"

namespace rlnas {

struct SearchOptions {
  std::string space, supernet, init, trained, describe;
  std::string method = "evolution", score = "angle", compat = "none";
  std::string device = "cpu";  // the angles take milliseconds, less than a GPU takes to start
  int classes = 0, image_size = 0, top = 10, threads = 0;
  double max_mflops = 0.0;
  std::int64_t max_params = 0;
  EvolutionOptions evolution;
  ProbeConfig probe;
  SuperNetConfig eval;  // its figures alone
  std::string data, eval_data, labels;
  std::vector<std::string> scores, exports, compared;
  std::string truth, json, csv, out;
  ReportRequest report;
  bool resume = false, gap = false, profile = false, quiet = false;
  CommOptions comm;
};

// `space`: whose published constants are the defaults.
void declare_search_options(CLI::App& app, SearchOptions& options, const std::string& space);

}  // namespace rlnas
