#include "kernels/ref/ref_backend.h"

#include <cstring>
#include <new>

namespace rlnas {
namespace {

constexpr std::align_val_t kAlignment{64};

}  // namespace

std::string RefBackend::description() const {
  return "ref: plain loops in double, 1 thread";
}

void* RefBackend::allocate(std::size_t bytes) {
  void* const memory = ::operator new(bytes == 0 ? 1 : bytes, kAlignment, std::nothrow);
  RLNAS_CHECK(memory != nullptr, device, "out of host memory: ", bytes >> 20,
              " MiB wanted in one block; lower --batch-size");
  return memory;
}

void RefBackend::release(void* memory) noexcept {
  ::operator delete(memory, kAlignment);
}

void RefBackend::upload(void* device, const void* host, std::size_t bytes) {
  if (bytes > 0) std::memcpy(device, host, bytes);
}

void RefBackend::download(void* host, const void* device, std::size_t bytes) {
  if (bytes > 0) std::memcpy(host, device, bytes);
}

void RefBackend::synchronize() {}

std::unique_ptr<Backend> make_ref_backend() {
  return std::make_unique<RefBackend>();
}

}  // namespace rlnas
