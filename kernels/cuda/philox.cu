#include "kernels/cuda/philox.cuh"

namespace rlnas {

void philox_words(const PhiloxStream& random, std::size_t count, std::uint32_t* y, GpuStream stream) {
  launch_philox_words(random, count, y, stream);
}

void philox_uniform(const PhiloxStream& random, float low, float high, std::size_t count, float* y,
                    GpuStream stream) {
  launch_philox_uniform(random, low, high, count, y, stream);
}

}  // namespace rlnas
