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

// Of bf16.
std::vector<float> rounded_elements(const Output& output) {
  const std::vector<Bf16> stored = elements<Bf16>(output);
  std::vector<float> values(stored.size());
  std::transform(stored.begin(), stored.end(), values.begin(), float_of);
  return values;
}

template <class T>
double root_mean_square(const std::vector<T>& values) {
  double sum_sq = 0.0;
  for (const T value : values) sum_sq += std::isfinite(value) ? double(value) * double(value) : 0.0;
  return std::sqrt(sum_sq / std::max<double>(1.0, double(values.size())));
}

// From one number of bf16 to the next.
double bf16_step(double value) {
  constexpr int kMantissaBits = 7;
  return value == 0.0 ? 0.0 : std::ldexp(1.0, std::ilogb(value) - kMantissaBits);
}

// step(value): what is no error.
template <class T, class Step>
double worst_float_error(const std::vector<T>& expected, const std::vector<T>& got, const Step& step) {
  if (expected.size() != got.size()) return std::numeric_limits<double>::infinity();
  double worst = 0.0;
  const double rms = root_mean_square(expected);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double want = double(expected[i]), have = double(got[i]);
    if (want == have || (std::isnan(want) && std::isnan(have))) continue;
    const double apart = std::abs(have - want) - step(std::max(std::abs(want), std::abs(have)));
    const double error = std::max(0.0, apart) / std::max({std::abs(want), rms, 1e-30});
    worst = std::isnan(apart) ? std::numeric_limits<double>::infinity() : std::max(worst, error);
  }
  return worst;
}

template <class T>
double worst_float_error(const std::vector<T>& expected, const std::vector<T>& got) {
  return worst_float_error(expected, got, [](double) { return 0.0; });
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

namespace {

std::vector<Bf16> rounded(const std::vector<float>& values) {
  std::vector<Bf16> stored(values.size());
  std::transform(values.begin(), values.end(), stored.begin(), bf16_of);
  return stored;
}

}  // namespace

ConstValues Harness::upload_values(const std::vector<float>& values) {
  if (element_ == Element::f32) return upload(values);
  return upload(rounded(values));
}

Values Harness::output_values(const std::string& name, std::size_t count) {
  if (element_ == Element::f32) return output(name, count);
  return new_output<Bf16>(name, ElementType::bf16, count);
}

Values Harness::output_values(const std::string& name, const std::vector<float>& initial) {
  if (element_ == Element::f32) return output(name, initial);
  const std::vector<Bf16> stored = rounded(initial);
  return {add_buffer(Role::output, name, ElementType::bf16, stored.data(), stored.size() * sizeof(Bf16)),
          Element::bf16};
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
    case ElementType::bf16:
      return worst_float_error(rounded_elements(expected), rounded_elements(got), bf16_step);
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

double rounded_apart(const Output& expected, const Output& got) {
  if (expected.type != ElementType::bf16) return 0.0;
  const std::vector<float> want = rounded_elements(expected), have = rounded_elements(got);
  const double large = root_mean_square(want) / 4;
  std::size_t counted = 0, apart = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (std::abs(double(want[i])) < large) continue;
    ++counted;
    apart += want[i] != have[i] ? 1 : 0;
  }
  return apart <= 2 ? 0.0 : double(apart) / double(counted);
}

}  // namespace rlnas::test
