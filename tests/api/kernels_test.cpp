// rlnas/kernels.hpp as others see it: no header of the engine, the shared library alone.
#include <doctest/doctest.h>

#include <rlnas/rlnas.h>
#include <cmath>
#include <map>
#include <rlnas/kernels.hpp>
#include <thread>

namespace {

using rlnas::kernels::AngleTable;
using rlnas::kernels::Buffer;
using rlnas::kernels::Device;

std::vector<float> waves(std::size_t count, double step) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = float(std::sin(step * double(i + 1)));
  return values;
}

Buffer on(const Device& device, const std::vector<float>& values) {
  Buffer buffer(device, values.size() * sizeof(float));
  buffer.upload(values.data(), buffer.bytes());
  return buffer;
}

std::vector<float> from(const Buffer& buffer) {
  std::vector<float> values(buffer.bytes() / sizeof(float));
  buffer.download(values.data(), buffer.bytes());
  return values;
}

rlnas::ErrorCode code_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const rlnas::Error& error) {
    return error.code();
  }
  return {};
}

}  // namespace

TEST_CASE("a convolution of the caller's own, and what it costs") {
  const rlnas::ConvSpec spec{.batch = 2,
                             .in_channels = 3,
                             .in_height = 5,
                             .in_width = 4,
                             .out_channels = 6,
                             .kernel = 3,
                             .padding = 1};
  const std::vector<float> x = waves(spec.in_count(), 0.7), w = waves(spec.weight_count(), 0.3);
  Device device({.name = "cpu", .threads = 2});
  CHECK(device.uses_host_memory());
  CHECK(device.stream() == nullptr);
  CHECK(device.description().find("2 threads") != std::string::npos);
  const Buffer dx = on(device, x), dw = on(device, w), dy(device, spec.out_count() * sizeof(float));
  const rlnas::ConvForward call{spec, dx.as<float>(), dw.as<float>(), dy.as<float>()};
  device.run(call);
  const std::vector<float> y = from(dy);
  double worst = 0.0;
  for (int n = 0; n < 2; ++n)
    for (int p = 0; p < 5; ++p)
      for (int q = 0; q < 4; ++q)
        for (int k = 0; k < 6; ++k) {
          double sum = 0.0;
          for (int r = 0; r < 3; ++r)
            for (int s = 0; s < 3; ++s)
              for (int c = 0; c < 3; ++c) {
                const int h = p + r - 1, v = q + s - 1;
                if (h < 0 || h >= 5 || v < 0 || v >= 4) continue;
                sum += double(x[std::size_t(((n * 5 + h) * 4 + v) * 3 + c)]) *
                       double(w[std::size_t(((k * 3 + c) * 3 + r) * 3 + s)]);
              }
          worst = std::max(worst, std::abs(sum - double(y[std::size_t(((n * 5 + p) * 4 + q) * 6 + k)])));
        }
  CHECK(worst < 1e-5);
  CHECK(call.cost().flops == 2u * 2 * 5 * 4 * 6 * 3 * 9);
  CHECK(call.cost().bytes == 4u * (2 * 5 * 4 * 3 + 6 * 3 * 9 + 2 * 5 * 4 * 6));
  const std::vector<double> times = rlnas::kernels::times_ms(device, call, 3);
  CHECK(times.size() == 3);
  for (const double ms : times) CHECK(ms > 0.0);
}

TEST_CASE("every primitive can be called"){
#define RLNAS_TAKE(Primitive)                                                             \
  {                                                                                       \
    void (Device::*const run)(const rlnas::Primitive&) = &Device::run;                    \
    std::size_t (Device::*const bytes)(const rlnas::Primitive&) = &Device::scratch_bytes; \
    CHECK(run != nullptr);                                                                \
    CHECK(bytes != nullptr);                                                              \
    CHECK(rlnas::Primitive{}.cost().primitive == rlnas::Primitive::kName);                \
  }
    RLNAS_PRIMITIVES(RLNAS_TAKE)
#undef RLNAS_TAKE
}

// The case table reaches all of them too: tests/kernels/profiling_test.cpp.
TEST_CASE("every primitive can be timed from C, against its cost") {
#define RLNAS_NAME(Primitive) rlnas::Primitive::kName,
  const std::vector<std::string> names{RLNAS_PRIMITIVES(RLNAS_NAME)};
#undef RLNAS_NAME
  std::string listed = "[";
  for (const std::string& name : names) listed += (listed.size() > 1 ? ",\"" : "\"") + name + "\"";
  char* json = nullptr;
  REQUIRE(rlnas_primitives(&json) == RLNAS_OK);
  CHECK(json == listed + "]");
  rlnas_free(json);

  rlnas_shape shape = RLNAS_INIT(rlnas_shape);
  shape.batch = 2;
  shape.channels = shape.out_channels = 8;
  shape.height = shape.width = 6;
  shape.kernel = 3;
  shape.padding = 1;
  std::map<std::string, std::uint64_t> bytes;
  for (const std::string& name : names) {
    CAPTURE(name);
    rlnas_timing timing = RLNAS_INIT(rlnas_timing), of_twice = timing;
    REQUIRE(rlnas_time_primitive(name.c_str(), &shape, "cpu", 1, 2, &timing) == RLNAS_OK);
    CHECK(timing.min_ms > 0.0);
    CHECK(timing.median_ms >= timing.min_ms);
    bytes[name] = timing.bytes;
    if (name == "batch_norm_inference") continue;  // of the statistics alone: no batch in it
    shape.batch *= 2;
    REQUIRE(rlnas_time_primitive(name.c_str(), &shape, "cpu", 1, 1, &of_twice) == RLNAS_OK);
    shape.batch /= 2;
    CHECK(of_twice.bytes > timing.bytes);
    CHECK(of_twice.bytes <= 2 * timing.bytes);
  }
  // Passes over the weight buffer are over what is in it, not over whole blocks.
  CHECK(bytes["angle_sums"] / (2 * sizeof(float)) == doctest::Approx(2 * 8 * 36).epsilon(0.1));
  CHECK(bytes["sgd_step"] / (5 * sizeof(float)) == doctest::Approx(2 * 8 * 36).epsilon(0.1));
}

TEST_CASE("angle sums of tensors that lie anywhere in the caller's arrays") {
  const std::vector<float> w0 = waves(50000, 0.1), w1 = waves(50000, 0.101), w2 = waves(50000, 2.0);
  const std::vector<rlnas::kernels::TensorSpan> tensors{
      {1, 7}, {40001, 9999}, {100, 0}, {8, 30001}, {8, 30001}};
  Device device({.name = "cpu"});
  AngleTable table(device, tensors);
  REQUIRE(table.size() == 5);
  const Buffer both(device, 2 * tensors.size() * sizeof(rlnas::AngleSums));
  const std::vector<const float*> trained{w1.data(), w2.data()};
  table.queue(w0.data(), trained, both.as<rlnas::AngleSums>());
  std::vector<rlnas::AngleSums> sums(10);
  both.download(sums.data(), both.bytes());
  for (std::size_t c = 0; c < 2; ++c) {
    const std::vector<rlnas::AngleSums> alone = table.sums(w0.data(), trained[c]);
    for (std::size_t t = 0; t < tensors.size(); ++t) {
      CAPTURE(t);
      rlnas::AngleSums expected;
      for (std::int64_t i = tensors[t].offset; i < tensors[t].offset + tensors[t].count; ++i) {
        const double a = double(w0[std::size_t(i)]), b = double(trained[c][i]);
        expected += {a * b, a * a, b * b};
      }
      const rlnas::AngleSums& got = sums[c * 5 + t];
      CHECK(got.dot == doctest::Approx(expected.dot).epsilon(1e-12));
      CHECK(got.norm0_sq == doctest::Approx(expected.norm0_sq).epsilon(1e-12));
      CHECK(got.norm1_sq == doctest::Approx(expected.norm1_sq).epsilon(1e-12));
      CHECK(alone[t].dot == got.dot);
    }
  }
  CHECK(rlnas::kernels::angle_rad({0.0, 4.0, 9.0}) == doctest::Approx(std::acos(0.0)));
  CHECK(rlnas::kernels::angle_rad({-6.0, 4.0, 9.0}) == doctest::Approx(std::acos(-1.0)));
}

TEST_CASE("mistakes are told, each with its code") {
  Device device({.name = "cpu", .threads = 1});
  CHECK(code_of([] { Device({.name = "abacus"}); }) == rlnas::ErrorCode::usage);
  CHECK(code_of([] { Device({.name = "cpu", .threads = -1}); }) == rlnas::ErrorCode::usage);
  Buffer buffer(device, 8);
  float value = 0.0f;
  CHECK(code_of([&] { buffer.upload(&value, 4, 5); }) == rlnas::ErrorCode::usage);
  CHECK(code_of([&] { buffer.download(&value, ~std::size_t{0}, 4); }) == rlnas::ErrorCode::usage);
  CHECK(code_of([&] { device.run(rlnas::ConvForward{}); }) == rlnas::ErrorCode::run_failed);
  const rlnas::kernels::TensorSpan negative{-1, 4};
  CHECK(code_of([&] { AngleTable(device, {&negative, 1}); }) == rlnas::ErrorCode::usage);
  AngleTable table(device, {});
  CHECK(code_of([&] { table.queue(&value, {}, nullptr); }) == rlnas::ErrorCode::usage);
}

TEST_CASE("a buffer outlives its device, and devices on several threads do not disturb each other") {
  const std::vector<float> x = waves(100000, 0.01);
  const auto sum_of = [&](int threads) {
    std::optional<Device> device(std::in_place, rlnas::DeviceConfig{.name = "cpu", .threads = threads});
    Buffer dots(*device, 100 * sizeof(float));
    device->run(rlnas::ChannelDots{
        .rows = 1000, .channels = 100, .x = x.data(), .dy = x.data(), .dots = dots.as<float>()});
    device.reset();
    return from(dots);
  };
  const std::vector<float> expected = sum_of(1);
  std::vector<std::vector<float>> results(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < results.size(); ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 20; ++i) results[t] = sum_of(int(t) + 1);
      });
  }
  for (const std::vector<float>& result : results) CHECK(result == expected);
}
