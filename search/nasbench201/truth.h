// The benchmark's accuracies, built into the library: what truth.LICENSE.md describes.
#pragma once

#include <span>

namespace rlnas::nasbench201 {

// A CSV table as ground_truth.h reads them, gzipped.
std::span<const unsigned char> truth_table();

}  // namespace rlnas::nasbench201
