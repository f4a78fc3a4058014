// rlnas/kernels.hpp.
#include "rlnas/kernels.hpp"

#include <algorithm>
#include <utility>

#include "engine/angle_tables.h"
#include "kernels/check.h"
#include "search/angle.h"
#include "search/api/device_state.h"
#include "search/train_settings.h"

namespace rlnas::kernels {

// ---- Device

Device::Device(const DeviceConfig& config, void* stream) {
  TrainConfig settings;
  settings.device = config;
  DeviceOptions options = device_options(settings);
  options.cuda.stream = stream;
  state_ = std::make_shared<DeviceState>(choose_device(config.name, options));
}

std::string Device::description() const {
  return state_->backend().description();
}

bool Device::uses_host_memory() const {
  return state_->choice.kind != DeviceKind::cuda;
}

void* Device::stream() const {
  return state_->backend().native_stream();
}

void Device::synchronize() {
  state_->backend().synchronize();
}

template <Primitive P>
void Device::run(const P& call) {
  state_->run(call);
}

template <Primitive P>
std::size_t Device::scratch_bytes(const P& call) {
  return state_->backend().workspace_bytes(call);
}

#define RLNAS_INSTANTIATE(P)                     \
  template RLNAS_API void Device::run(const P&); \
  template RLNAS_API std::size_t Device::scratch_bytes(const P&);
RLNAS_PRIMITIVES(RLNAS_INSTANTIATE)
#undef RLNAS_INSTANTIATE

// ---- Buffer

Buffer::Buffer(const Device& device, std::size_t bytes)
    : state_(device.state_), data_(bytes == 0 ? nullptr : state_->backend().allocate(bytes)), bytes_(bytes) {}

Buffer::Buffer(Buffer&& other) noexcept
    : state_(std::move(other.state_)),
      data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(state_, other.state_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

Buffer::~Buffer() {
  if (data_ != nullptr) state_->backend().release(data_);
}

namespace {

void check_range(std::size_t bytes, std::size_t offset, std::size_t size) {
  RLNAS_CHECK(offset <= size && bytes <= size - offset, usage, bytes, " bytes from ", offset,
              " on, of a buffer of ", size);
}

}  // namespace

void Buffer::upload(const void* host, std::size_t bytes, std::size_t offset) {
  check_range(bytes, offset, bytes_);
  if (bytes > 0) state_->backend().upload(as<char>() + offset, host, bytes);
  if (state_) state_->backend().synchronize();
}

void Buffer::download(void* host, std::size_t bytes, std::size_t offset) const {
  check_range(bytes, offset, bytes_);
  if (bytes > 0) state_->backend().download(host, as<char>() + offset, bytes);
}

// ---- angles

struct AngleTable::State {
  Device device;
  AngleTables tables;
  int size;
};

namespace {

SegmentTable segments_of(std::span<const TensorSpan> tensors) {
  SegmentTable table;
  for (const TensorSpan& tensor : tensors) {
    RLNAS_CHECK(tensor.offset >= 0 && tensor.count >= 0, usage, "a tensor of ", tensor.count, " floats from ",
                tensor.offset, " on: neither can be negative");
    table.add_at(tensor.offset, tensor.count);
  }
  return table;
}

}  // namespace

AngleTable::AngleTable(const Device& device, std::span<const TensorSpan> tensors)
    : state_(new State{device, AngleTables(device.state().backend(), segments_of(tensors)),
                       int(tensors.size())}) {}

AngleTable::~AngleTable() = default;
AngleTable::AngleTable(AngleTable&&) noexcept = default;
AngleTable& AngleTable::operator=(AngleTable&&) noexcept = default;

int AngleTable::size() const {
  return state_->size;
}

void AngleTable::queue(const float* w0, std::span<const float* const> w1, AngleSums* sums) {
  TakeAngleSums call = state_->tables.call();
  RLNAS_CHECK(w1.size() >= 1 && w1.size() <= call.w1.size(), usage, w1.size(),
              " arrays of weights: one call takes 1 to ", call.w1.size());
  call.w0 = w0;
  std::ranges::copy(w1, call.w1.begin());
  call.checkpoint_count = int(w1.size());
  call.sums = sums;
  state_->device.run(call);
}

std::vector<AngleSums> AngleTable::sums(const float* w0, const float* w1) {
  std::vector<AngleSums> host(static_cast<std::size_t>(size()));
  if (host.empty()) return host;
  const Buffer device(state_->device, host.size() * sizeof(AngleSums));
  queue(w0, {&w1, 1}, device.as<AngleSums>());
  device.download(host.data(), device.bytes());
  return host;
}

double angle_rad(const AngleSums& sums) {
  return rlnas::angle_rad(sums);
}

}  // namespace rlnas::kernels
