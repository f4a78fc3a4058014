// What computes, and how: of a training run, and of a kernels::Device.
#pragma once

#include <string>

#include "rlnas/choices.hpp"

namespace rlnas {

struct DeviceConfig {
  std::string name = "auto";  // auto | cpu | cuda[:N] | ref
  int threads = 0;            // of the CPU backend; 0: all cores
  ConvAlgorithm conv_algorithm = ConvAlgorithm::automatic;
  // Of the CUDA backend:
  Precision precision = Precision::fp32;
  bool deterministic = true;
  bool cuda_graphs = false;
  Pointwise pointwise = Pointwise::cublas;
  NormAndPool norm_and_pool = NormAndPool::own;
  std::string plan_cache = {};  // directory; empty: none
};

}  // namespace rlnas
