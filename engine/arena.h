// The step arena: every activation, gradient and workspace of a training step lives in one slab that is
// reserved once. Blocks are shared by reference count and go back to a first-fit free list, so the same
// sequence of operations always lands on the same addresses and the high-water mark of a dry run is the
// memory a real run needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/device.h"

namespace rlnas {

class Arena;

// Shared ownership of one block of an arena.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer& other);
  Buffer(Buffer&& other) noexcept : arena_(std::exchange(other.arena_, nullptr)), block_(other.block_) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(arena_, other.arena_);
    std::swap(block_, other.block_);
    return *this;
  }
  ~Buffer();

  explicit operator bool() const { return arena_ != nullptr; }
  void* data() const;   // null where there is no block
  bool unique() const;  // nobody else holds this block

 private:
  friend class Arena;
  Buffer(Arena* arena, std::uint32_t block) : arena_(arena), block_(block) {}

  Arena* arena_ = nullptr;
  std::uint32_t block_ = 0;
};

class Arena {
 public:
  static constexpr std::size_t kAlignment = 256;

  // Reserves `capacity_bytes` from the device. Errors: device when there is not that much.
  Arena(Device& device, std::size_t capacity_bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Contents undefined. Grows by another slab when the reserve was too small, which a run that planned its
  // memory never sees (slab_count() tells).
  Buffer allocate(std::size_t bytes);

  std::size_t peak_bytes() const { return peak_bytes_; }  // highest end of a block so far, holes included
  int slab_count() const { return int(slabs_.size()); }

 private:
  friend class Buffer;

  struct Range {
    std::size_t offset, size;
  };
  struct Slab {
    char* base;
    std::size_t capacity, first_byte;  // first_byte: position in the arena's running address count
    std::vector<Range> free;           // sorted by offset, neighbours merged
  };
  struct Block {
    std::uint32_t slab, references;
    std::size_t offset, size;
  };

  void add_slab(std::size_t capacity_bytes);
  Buffer take(std::uint32_t slab, std::size_t hole, std::size_t size);
  void release(std::uint32_t block);

  Device& device_;
  std::vector<Slab> slabs_;
  std::vector<Block> blocks_;
  std::vector<std::uint32_t> spare_ids_;
  std::size_t peak_bytes_ = 0;
};

}  // namespace rlnas
