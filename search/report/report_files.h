// --report DIR: report.html and the data of its figures, from what a program just did and from run
// directories.
#pragma once

#include <string>
#include <vector>

#include "rlnas/train.hpp"
#include "search/report/report_page.h"

namespace rlnas {

// What a report is asked for.
struct ReportRequest {
  std::string directory;          // to write to; empty: none is
  std::vector<std::string> runs;  // directories to compare with
};

class ReportFiles {
 public:
  // Makes the directory and reads the runs to compare with, before anything takes long. run: the directory of
  // this program's own run, which is not compared with itself; may be empty or not be there yet. Errors:
  // data, naming the flag, for a directory that cannot be made and for a run that holds neither events.jsonl
  // nor what --report leaves; usage for runs without a report.
  ReportFiles(const ReportRequest& request, const std::string& run);

  bool wanted() const { return !directory_.empty(); }

  // report.html, search.json (as --json), architectures.csv (as --csv) and, where runs have events,
  // training.csv. Errors: data, naming --report.
  void write(const SearchReport& report) const;
  // report.html and training.csv, of the run directory as it is now.
  void write(const TrainConfig& config) const;

 private:
  ReportedRun own_run() const;
  void write_page(const ReportPage& page, const ReportedRun& run) const;
  void write_file(const char* name, const std::string& text) const;

  std::string directory_, run_;
  std::vector<ReportedRun> others_;
};

}  // namespace rlnas
