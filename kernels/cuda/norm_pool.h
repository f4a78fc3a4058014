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

  // As Backend's. The scratch memory is that of both passes of a norm.
  virtual std::size_t norm_workspace_bytes(const BatchNormSpec& spec) = 0;
  virtual void run(const BatchNormStatistics& call, Workspace workspace) = 0;
  virtual void run(const BatchNormBackward& call, Workspace workspace) = 0;
  virtual void run(const AvgPoolForward& call) = 0;
  virtual void run(const AvgPoolBackward& call) = 0;
};

}  // namespace rlnas
