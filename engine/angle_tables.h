// The tables of TakeAngleSums on the device, of the tensors of a flat buffer.
#pragma once

#include "engine/device_bytes.h"
#include "engine/segment_table.h"
#include "kernels/angle_pieces.h"
#include "kernels/backend.h"

namespace rlnas {

class AngleTables {
 public:
  AngleTables(Backend& backend, const SegmentTable& segments);

  // A call of which w0, w1, checkpoint_count and sums are left to set.
  TakeAngleSums call() const;
  std::size_t device_bytes() const;

 private:
  AngleTables(Backend& backend, const std::vector<SegmentBlock>& blocks, int segment_count,
              const AnglePieceTables& tables);

  int segment_count_, block_count_, piece_count_, span_count_;
  DeviceBytes blocks_, pieces_, spans_;
};

}  // namespace rlnas
