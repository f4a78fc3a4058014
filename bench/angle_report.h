// What rlnas_bench_angle found: a table as it goes, one JSON file at the end, in Google Benchmark's shape, so
// that compare_json.py compares two of them.
#pragma once

#include <string>
#include <vector>

#include "bench/samples.h"
#include "kernels/backend.h"

namespace rlnas::bench {

struct AngleRow {
  std::string method, point;  // "angle_sums", "128MiB/checkpoints:1/threads:2/cold"
  double bytes = 0.0;         // read at least, a call
  Summary time;
  double share_of_read = 0.0;       // medians
  double best_share_of_read = 0.0;  // fastest samples: what a busy machine shows best
  double share_of_peak = 0.0;       // 0: the peak is not known
  double error = -1.0;              // against fp64; below 0: it sums nothing up
  bool same_bits = true;            // before and after

  double gb_per_s() const { return bytes / time.median_s / 1e9; }
  double best_gb_per_s() const { return bytes / time.fastest_s / 1e9; }
  void compare_with(const AngleRow& read) {
    share_of_read = gb_per_s() / read.gb_per_s();
    best_share_of_read = best_gb_per_s() / read.best_gb_per_s();
  }
};

// Of the whole buffer's sums: the largest error of a dot over |w0| |w1|, or of a square over itself.
double worst_angle_error(const std::vector<AngleSums>& got, const std::vector<AngleSums>& exact);

struct AngleReportOptions {
  std::string out;    // file; empty: none
  std::string numpy;  // a command that baselines/angle_sums.py is started by; empty: without NumPy
};

struct NumpyProblem {
  std::string point;
  std::int64_t floats = 0;
  int threads = 1;
  bool cold = true;
  double seconds = 0.0;
};

class AngleReport {
 public:
  // Writes down the machine or the device, with its clocks.
  AngleReport(const AngleReportOptions& options, Backend& backend);
  void add(const std::vector<AngleRow>& rows);
  // Three numpy.dot, by a process of its own. Errors: run_failed when the command fails.
  void add_numpy(const NumpyProblem& problem);
  // Exit code: 1 where bits changed while something was timed.
  int finish();

 private:
  void print(const AngleRow& row) const;

  AngleReportOptions options_;
  Backend& backend_;
  std::vector<std::pair<std::string, std::string>> context_;
  std::vector<AngleRow> rows_;
};

}  // namespace rlnas::bench
