#include "tests/kernels/harness.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace rlnas::test {
namespace {

constexpr std::size_t kGuardBytes = 256;  // keeps the 64-byte alignment of what lies between
constexpr int kGuard = 0xA5;
constexpr int kUnwritten = 0xFF;  // a NaN as float and as double

template <class T>
std::vector<T> elements(const Output& output) {
  std::vector<T> values(output.bytes.size() / sizeof(T));
  std::memcpy(values.data(), output.bytes.data(), values.size() * sizeof(T));
  return values;
}

template <class T>
double worst_float_error(const std::vector<T>& expected, const std::vector<T>& got) {
  if (expected.size() != got.size()) return std::numeric_limits<double>::infinity();
  double sum_sq = 0.0, worst = 0.0;
  for (const T value : expected) sum_sq += std::isfinite(value) ? double(value) * double(value) : 0.0;
  const double rms = std::sqrt(sum_sq / std::max<double>(1.0, double(expected.size())));
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double want = double(expected[i]), have = double(got[i]);
    if (want == have || (std::isnan(want) && std::isnan(have))) continue;
    const double error = std::abs(have - want) / std::max({std::abs(want), rms, 1e-30});
    worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(worst, error);
  }
  return worst;
}

}  // namespace

Harness::Harness(Backend& backend, const std::string& seed_name, Guards guards)
    : backend_(backend),
      random_(20210101, seed_name),
      guard_bytes_(guards == Guards::sentinels ? kGuardBytes : 0) {}

Harness::~Harness() {
  for (const Buffer& buffer : buffers_) backend_.release(buffer.device);
}

std::vector<float> Harness::random_floats(std::size_t count, double low, double high) {
  std::vector<float> values(count);
  for (float& value : values) value = float(low + (high - low) * random_.uniform_double());
  return values;
}

void* Harness::add_buffer(Role role, const std::string& name, ElementType type, const void* initial,
                          std::size_t bytes) {
  std::vector<std::byte> host(bytes + 2 * guard_bytes_, std::byte{kGuard});
  const auto inside = host.begin() + std::ptrdiff_t(guard_bytes_);
  if (initial != nullptr)
    std::copy_n(static_cast<const std::byte*>(initial), bytes, inside);
  else
    std::fill_n(inside, bytes, std::byte{kUnwritten});
  char* const device = static_cast<char*>(backend_.allocate(host.size()));
  backend_.upload(device, host.data(), host.size());
  buffers_.push_back({role, name, type, device, bytes, {}});
  if (role == Role::input)
    buffers_.back().initial.assign(host.begin() + guard_bytes_, host.end() - guard_bytes_);
  return device + guard_bytes_;
}

const void* Harness::add_input(const void* values, std::size_t bytes) {
  return add_buffer(Role::input, "input " + std::to_string(buffers_.size()), ElementType::u8, values, bytes);
}

float* Harness::output(const std::string& name, const std::vector<float>& initial) {
  return static_cast<float*>(
      add_buffer(Role::output, name, ElementType::f32, initial.data(), initial.size() * sizeof(float)));
}

Workspace Harness::workspace(std::size_t bytes) {
  return {add_buffer(Role::workspace, "workspace", ElementType::u8, nullptr, bytes), bytes};
}

std::vector<Output> Harness::finish() {
  backend_.synchronize();
  std::vector<Output> outputs;
  for (const Buffer& buffer : buffers_) {
    std::vector<std::byte> host(buffer.bytes + 2 * guard_bytes_);
    backend_.download(host.data(), buffer.device, host.size());
    const auto is_guard = [](std::byte b) { return b == std::byte{kGuard}; };
    if (!std::all_of(host.begin(), host.begin() + guard_bytes_, is_guard))
      damage_.push_back(buffer.name + ": written before its begin");
    if (!std::all_of(host.end() - guard_bytes_, host.end(), is_guard))
      damage_.push_back(buffer.name + ": written past its end");
    std::vector<std::byte> inside(host.begin() + guard_bytes_, host.end() - guard_bytes_);
    if (buffer.role == Role::input && inside != buffer.initial) damage_.push_back(buffer.name + ": changed");
    if (buffer.role == Role::output) outputs.push_back({buffer.name, buffer.type, std::move(inside)});
  }
  return outputs;
}

double worst_error(const Output& expected, const Output& got) {
  constexpr double kDifferent = std::numeric_limits<double>::infinity();
  switch (expected.type) {
    case ElementType::f32:
      return worst_float_error(elements<float>(expected), elements<float>(got));
    case ElementType::f64:
      return worst_float_error(elements<double>(expected), elements<double>(got));
    case ElementType::u8:
      return expected.bytes == got.bytes ? 0.0 : kDifferent;
    case ElementType::loss_sums: {
      const LossSums want = elements<LossSums>(expected).front(), have = elements<LossSums>(got).front();
      if (want.correct != have.correct) return kDifferent;
      return worst_float_error<double>({want.loss}, {have.loss});
    }
  }
  return kDifferent;
}

}  // namespace rlnas::test
