// Which instantiation of depthwise_rows.h a convolution needs.
#pragma once

#include "kernels/cpu/depthwise_rows.h"

namespace rlnas::depthwise {

// Calls body.operator()<Filter>() if there is a filter for the convolution.
template <class Body>
void with_filter_of(const ConvSpec& spec, const Body& body) {
  const bool depthwise =
      spec.groups > 1 && spec.in_channels == spec.groups && spec.out_channels == spec.groups;
  const bool one_or_two =
      (spec.stride == 1 || spec.stride == 2) && (spec.dilation == 1 || spec.dilation == 2);
  if (!depthwise || !one_or_two || spec.padding * 2 != spec.dilation * (spec.kernel - 1)) return;
  const auto with_kernel = [&]<int kernel>() {
    if (spec.dilation == 2 && spec.stride == 2) return body.template operator()<Filter<kernel, 2, 2>>();
    if (spec.dilation == 2) return body.template operator()<Filter<kernel, 1, 2>>();
    if (spec.stride == 2) return body.template operator()<Filter<kernel, 2, 1>>();
    // The images of an ImageNet network are 7 pixels wide, or a multiple: eight would leave tiles in part
    // empty.
    if (spec.in_width % 8 != 0 && spec.in_width % 7 == 0)
      return body.template operator()<Filter<kernel, 1, 1, 7>>();
    body.template operator()<Filter<kernel, 1, 1>>();
  };
  switch (spec.kernel) {
    case 3:
      return with_kernel.template operator()<3>();
    case 5:
      return with_kernel.template operator()<5>();
    case 7:
      return with_kernel.template operator()<7>();
    default:
      break;
  }
}

}  // namespace rlnas::depthwise
