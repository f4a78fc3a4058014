#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "engine/arena.h"
#include "engine/philox.h"
#include "kernels/backend.h"

namespace rlnas {

TEST_CASE("blocks are aligned, do not overlap, and come back when the last owner goes") {
  const auto backend = make_ref_backend();
  Arena arena(*backend, 1 << 20);
  struct Live {
    Buffer buffer;
    std::size_t bytes;
    unsigned char mark;
  };
  std::vector<Live> live;
  RandomStream random(1, "arena");
  for (int i = 0; i < 20000; ++i) {
    if (live.size() < 40 && random.below(2) == 0) {
      const std::size_t bytes = 1 + random.below(20000);
      live.push_back({arena.allocate(bytes), bytes, static_cast<unsigned char>(i)});
      REQUIRE(reinterpret_cast<std::uintptr_t>(live.back().buffer.data()) % 64 == 0);
      std::memset(live.back().buffer.data(), live.back().mark, bytes);
    } else if (!live.empty()) {
      const std::size_t victim = random.below(std::uint32_t(live.size()));
      const auto* bytes = static_cast<const unsigned char*>(live[victim].buffer.data());
      REQUIRE(std::all_of(bytes, bytes + live[victim].bytes,
                          [&](unsigned char b) { return b == live[victim].mark; }));
      std::swap(live[victim], live.back());
      live.pop_back();
    }
  }
  live.clear();
  const Buffer all = arena.allocate(1 << 20);  // everything was merged back into one hole
  CHECK(arena.slab_count() == 1);
}

TEST_CASE("copies share a block, unique() tells when one owner is left") {
  const auto backend = make_ref_backend();
  Arena arena(*backend, 4096);
  Buffer a = arena.allocate(100);
  CHECK(a.unique());
  Buffer b = a;
  CHECK(!a.unique());
  CHECK(a.data() == b.data());
  a = Buffer();
  CHECK(b.unique());
  const void* address = b.data();
  b = arena.allocate(100);  // taken while the old block was still held
  CHECK(b.data() != address);
  CHECK(arena.allocate(100).data() == address);  // the freed block is the lowest hole
}

TEST_CASE(
    "the same sequence lands on the same addresses, the peak is the highest end, and a full arena grows") {
  const auto backend = make_ref_backend();
  Arena arena(*backend, 1024);
  const void* first;
  {
    const Buffer a = arena.allocate(300), b = arena.allocate(200);
    first = a.data();
    CHECK(arena.peak_bytes() == 768);  // 512 + 256
  }
  CHECK(arena.allocate(300).data() == first);
  CHECK(arena.slab_count() == 1);
  const Buffer big = arena.allocate(5000);
  CHECK(arena.slab_count() == 2);
  CHECK(arena.peak_bytes() > 5000);
}

}  // namespace rlnas
