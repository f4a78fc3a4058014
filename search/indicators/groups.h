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
std::unique_ptr<IndicatorGroup> make_naswot();
std::unique_ptr<IndicatorGroup> make_jacov();
std::unique_ptr<IndicatorGroup> make_grad_norm();
std::unique_ptr<IndicatorGroup> make_zico();
std::unique_ptr<IndicatorGroup> make_grad_sign();
std::unique_ptr<IndicatorGroup> make_gradient_snr();
std::unique_ptr<IndicatorGroup> make_swap();
std::unique_ptr<IndicatorGroup> make_meco();
std::unique_ptr<IndicatorGroup> make_vkdnw();

}  // namespace rlnas
