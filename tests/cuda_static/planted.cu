// A kernel that does what no own kernel may, so that the static tests are seen to find it.
namespace rlnas::test {

__global__ void planted_kernel(const float* x, float* sum, float* before) {
  *before = atomicAdd(sum, x[threadIdx.x]);
  asm volatile("red.global.add.f32 [%0], %1;" ::"l"(sum), "f"(x[threadIdx.x]) : "memory");
}

}  // namespace rlnas::test
