#include "tests/emulation/shared_memory.h"

#include "tests/emulation/block_run.h"

namespace rlnas::emulation {

SharedArray& shared_array(const void* key, const char* name, std::size_t count, std::size_t element_bytes,
                          const Site& site) {
  return block_run().shared_array(key, name, count, element_bytes, site);
}

void check_bounds(const SharedArray& array, std::ptrdiff_t at, const Site& site) {
  if (at < 0 || std::size_t(at) >= array.count)
    block_run().fault(site, "out of bounds: shared " + array.name + "[" + std::to_string(at) + "] of " +
                                std::to_string(array.count) + " elements");
}

void check_access(SharedArray& array, std::size_t at, Access access, const Site& site) {
  block_run().check_access(array, at, access, site);
}

}  // namespace rlnas::emulation
