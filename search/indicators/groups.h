// The groups of indicators, for the list in indicators.cpp. What each one computes and where it comes from is
// said in its file, and in docs/indicators.md.
#pragma once

#include <memory>

#include "search/indicator.h"

namespace rlnas {

std::unique_ptr<IndicatorGroup> make_angles();
std::unique_ptr<IndicatorGroup> make_counts();
std::unique_ptr<IndicatorGroup> make_az();
std::unique_ptr<IndicatorGroup> make_synflow();
std::unique_ptr<IndicatorGroup> make_accuracy();
std::unique_ptr<IndicatorGroup> make_flatness();
std::unique_ptr<IndicatorGroup> make_bn_scale();

}  // namespace rlnas
