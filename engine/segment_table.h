// Names and places of the tensors inside one flat buffer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rlnas/spec.hpp"

namespace rlnas {

// One tensor of the flat buffer. (cell, edge, op) say which choice of the search space owns it; edge and op
// are -1 for the fixed part of the network (stem, residual blocks, head).
struct Segment {
  std::string name;                 // the published state-dict name: "cells.0.edges.1<-0.3.op.1.weight"
  std::vector<std::int64_t> shape;  // PyTorch's: convolutions OIHW
  std::int64_t offset = 0;          // first element, in floats; a multiple of kAlignment
  std::int64_t count = 0;           // elements
  int cell = -1;
  int edge = -1;
  int op = -1;
};

class SegmentTable {
 public:
  static constexpr std::int64_t kAlignment = 16;  // floats: every tensor starts on a 64-byte boundary

  // Appends a tensor and returns its index.
  int add(std::string name, std::vector<std::int64_t> shape, int cell = -1, int edge = -1, int op = -1);

  // The same for a tensor without a name that lies wherever it does.
  int add_at(std::int64_t offset, std::int64_t count);

  const Segment& operator[](int index) const { return segments_[std::size_t(index)]; }
  int size() const { return int(segments_.size()); }
  auto begin() const { return segments_.begin(); }
  auto end() const { return segments_.end(); }
  std::int64_t buffer_count() const { return buffer_count_; }  // floats, padding included
  std::int64_t element_count() const;                          // floats, padding not included
  int find(const std::string& name) const;                     // -1 when there is none
  std::vector<SegmentBlock> blocks() const;                    // every segment cut up, in order

 private:
  std::vector<Segment> segments_;
  std::int64_t buffer_count_ = 0;
};

}  // namespace rlnas
