// cuDNN on a device that is not there: planning is cuDNN's own, for the device described below; handles and
// execution are this file's. A convolution is carried out on the host from the plan's own JSON, so that
// layouts, types and geometry are those that cuDNN was asked for, not those that the caller believes in.
//
// A program that links simulated_cudnn.cpp gets these definitions instead of libcudnn's: cudnnCreate,
// cudnnDestroy, cudnnSetStream, cudnnBackendExecute; cudnnBackendSetAttribute and
// cudnnBackendDestroyDescriptor pass through it to libcudnn. Work goes through emulation::executor(), as
// kernel launches do.
#pragma once

#include <string>

namespace rlnas::simulation {

// The properties of CUDA device 0, in cuDNN's JSON. Set before the first plan.
std::string& cudnn_device_properties();

}  // namespace rlnas::simulation
