// Batch norm and average pooling by other than own kernels, as CudaBackend sees them: an interface, so that
// the files of own kernels include nothing of cuDNN.
#pragma once

#include "kernels/backend.h"

namespace rlnas {

class NormPool {
 public:
  virtual ~NormPool() = default;

  // Whether these problems are done here; own kernels do the others.
  virtual bool takes(const BatchNormSpec& spec) const = 0;
  virtual bool takes(const PoolSpec& spec, Direction direction, Store store) const = 0;

  // As the functions of Backend of the same names.
  virtual std::size_t batch_norm_workspace_bytes(const BatchNormSpec& spec) = 0;
  virtual void batch_norm_statistics(const BatchNormSpec& spec, const float* x, const float* gamma,
                                     const float* beta, float* running_mean, float* running_var,
                                     BatchNormSaved saved, Workspace workspace) = 0;
  virtual void batch_norm_backward(const BatchNormSpec& spec, const float* x, const float* dy,
                                   BatchNormSaved saved, float* dx, float* dgamma, float* dbeta,
                                   Workspace workspace) = 0;
  virtual void avg_pool_forward(const PoolSpec& spec, const float* x, float* y) = 0;
  virtual void avg_pool_backward(const PoolSpec& spec, const float* dy, float* dx) = 0;
};

}  // namespace rlnas
