// Whole runs that take a moment, and the library that makes trouble for them (io_faults.cpp).
#pragma once

#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temporary_directory.h"

namespace rlnas::test {

inline const std::string kPreload = std::string("LD_PRELOAD=") + RLNAS_IO_FAULTS;

// Three epochs of four steps, with a checkpoint after nearly every step.
inline std::vector<std::string> tiny_training(const std::string& out,
                                              const std::string& data = "synthetic:64") {
  return {RLNAS_TRAIN,
          "--space",
          RLNAS_TINY_SPACE,
          "--data",
          data,
          "--image-size",
          "8",
          "--batch-size",
          "16",
          "--epochs",
          "3",
          "--save-every",
          "0.000000001",
          "--checkpoint-every",
          "1",
          "--device",
          "cpu",
          "--threads",
          "1",
          "--out",
          out};
}

// Evolution by an indicator that is measured, with a report.
inline std::vector<std::string> tiny_search(const std::string& run, const std::string& out) {
  return {RLNAS_SEARCH,
          "--supernet",
          run,
          "--score",
          "naswot",
          "--probe-batch",
          "4",
          "--population",
          "6",
          "--parents",
          "3",
          "--mutants",
          "2",
          "--crossovers",
          "2",
          "--generations",
          "3",
          "--threads",
          "1",
          "--out",
          out,
          "--csv",
          out + "/all.csv",
          "--report",
          out + "/report"};
}

}  // namespace rlnas::test
