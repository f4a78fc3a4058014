// More live values than the launch bounds leave registers for.
namespace rlnas::test {

__global__ void __launch_bounds__(1024, 2) planted_spill_kernel(const float* x, float* y) {
  constexpr int kValues = 64;
  float values[kValues];
  for (int i = 0; i < kValues; ++i) values[i] = x[i * 1024 + threadIdx.x];
  float total = 0.0f;
  for (int i = 0; i < kValues; ++i)
    for (int j = 0; j < kValues; ++j) total = total * values[i] + values[j];
  y[threadIdx.x] = total;
}

}  // namespace rlnas::test
