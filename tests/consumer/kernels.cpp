// A performance study: one primitive over shapes, its time against its cost on paper.
#include <rlnas/kernels.hpp>

#include <algorithm>
#include <cstdio>

int main() {
  rlnas::kernels::Device device({.name = "cpu"});
  std::printf("%s\n", device.description().c_str());
  std::uint64_t before = 0;
  for (const int channels : {8, 16, 32}) {
    const rlnas::ConvSpec spec{.batch = 4,
                               .in_channels = channels,
                               .in_height = 16,
                               .in_width = 16,
                               .out_channels = channels,
                               .kernel = 3,
                               .padding = 1};
    const rlnas::kernels::Buffer x(device, 4 * spec.in_count()), w(device, 4 * spec.weight_count()),
        y(device, 4 * spec.out_count());
    for (const rlnas::kernels::Buffer* operand : {&x, &w}) {
      const std::vector<float> ones(operand->bytes() / sizeof(float), 1.0f);
      device.run(rlnas::Fill{.count = ones.size(), .value = 1.0f, .y = operand->as<float>()});
    }
    const rlnas::ConvForward call{spec, x.as<float>(), w.as<float>(), y.as<float>()};
    const std::vector<double> ms = rlnas::kernels::times_ms(device, call, 5);
    const double best = *std::min_element(ms.begin(), ms.end());
    const rlnas::RecordedCall cost = call.cost();
    std::printf("%-36s %8.3f ms %7.2f GFLOP/s %6.2f flop/byte\n", cost.shape.c_str(), best,
                double(cost.flops) / best / 1e6, double(cost.flops) / double(cost.bytes));
    float middle = 0.0f;  // a sum of 9 ones a channel
    y.download(&middle, sizeof middle, sizeof middle * std::size_t(channels * (16 * 8 + 8)));
    if (middle != 9.0f * float(channels) || cost.flops <= before) return 1;
    before = cost.flops;
  }
  return 0;
}
