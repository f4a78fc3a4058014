#include <vector>

#include "kernels/device.h"

namespace rlnas {
namespace {

// Of a device that is done when its calls return.
class ImmediateReadback final : public Readback {
 public:
  ImmediateReadback(Device& device, std::size_t bytes) : device_(device), value_(bytes) {}

  void start(const void* memory) override { device_.download(value_.data(), memory, value_.size()); }
  const void* wait() override { return value_.data(); }
  bool is_asynchronous() const override { return false; }

 private:
  Device& device_;
  std::vector<std::byte> value_;
};

}  // namespace

std::unique_ptr<Readback> Device::make_readback(std::size_t bytes) {
  return std::make_unique<ImmediateReadback>(*this, bytes);
}

}  // namespace rlnas
