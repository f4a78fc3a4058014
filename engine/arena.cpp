#include "engine/arena.h"

#include <algorithm>

namespace rlnas {

Buffer::Buffer(const Buffer& other) : arena_(other.arena_), block_(other.block_) {
  if (arena_ != nullptr) ++arena_->blocks_[block_].references;
}

Buffer::~Buffer() {
  if (arena_ != nullptr && --arena_->blocks_[block_].references == 0) arena_->release(block_);
}

void* Buffer::data() const {
  if (arena_ == nullptr) return nullptr;
  const Arena::Block& block = arena_->blocks_[block_];
  return arena_->slabs_[block.slab].base + block.offset;
}

bool Buffer::unique() const {
  return arena_->blocks_[block_].references == 1;
}

Arena::Arena(Device& device, std::size_t capacity_bytes) : device_(device) {
  add_slab(capacity_bytes);
}

Arena::~Arena() {
  for (const Slab& slab : slabs_) device_.release(slab.base);
}

void Arena::add_slab(std::size_t capacity_bytes) {
  const std::size_t capacity = (capacity_bytes + kAlignment - 1) / kAlignment * kAlignment;
  const std::size_t first_byte = slabs_.empty() ? 0 : slabs_.back().first_byte + slabs_.back().capacity;
  slabs_.reserve(slabs_.size() + 1);
  slabs_.push_back({static_cast<char*>(device_.allocate(capacity)), capacity, first_byte, {{0, capacity}}});
}

Buffer Arena::allocate(std::size_t bytes) {
  const std::size_t size = std::max<std::size_t>(1, (bytes + kAlignment - 1) / kAlignment) * kAlignment;
  for (std::uint32_t s = 0; s < slabs_.size(); ++s)
    for (std::size_t hole = 0; hole < slabs_[s].free.size(); ++hole)
      if (slabs_[s].free[hole].size >= size) return take(s, hole, size);
  add_slab(std::max(size, slabs_.front().capacity / 2));
  return take(std::uint32_t(slabs_.size() - 1), 0, size);
}

Buffer Arena::take(std::uint32_t s, std::size_t hole, std::size_t size) {
  Slab& slab = slabs_[s];
  Range& range = slab.free[hole];
  const std::size_t offset = range.offset;
  range.offset += size;
  range.size -= size;
  if (range.size == 0) slab.free.erase(slab.free.begin() + std::ptrdiff_t(hole));
  peak_bytes_ = std::max(peak_bytes_, slab.first_byte + offset + size);

  if (spare_ids_.empty()) {
    spare_ids_.push_back(std::uint32_t(blocks_.size()));
    blocks_.emplace_back();
  }
  const std::uint32_t id = spare_ids_.back();
  spare_ids_.pop_back();
  blocks_[id] = {s, 1, offset, size};
  return Buffer(this, id);
}

void Arena::release(std::uint32_t id) {
  const Block& block = blocks_[id];
  std::vector<Range>& free = slabs_[block.slab].free;
  auto next = std::lower_bound(free.begin(), free.end(), block.offset,
                               [](const Range& range, std::size_t offset) { return range.offset < offset; });
  const bool joins_next = next != free.end() && block.offset + block.size == next->offset;
  const bool joins_previous =
      next != free.begin() && std::prev(next)->offset + std::prev(next)->size == block.offset;
  if (joins_previous && joins_next) {
    std::prev(next)->size += block.size + next->size;
    free.erase(next);
  } else if (joins_previous) {
    std::prev(next)->size += block.size;
  } else if (joins_next) {
    next->offset = block.offset;
    next->size += block.size;
  } else {
    free.insert(next, {block.offset, block.size});
  }
  spare_ids_.push_back(id);
}

}  // namespace rlnas
