// What CUDA's own libraries take for the angle sums, and as the yardstick a kernel that only reads. All take
// the buffer as a whole, which is less than the own kernel's sums of every tensor. cuBLAS: an Sdot for each
// sum, one after the other, added up in fp32, results left on the device. CUB: one TransformReduce a
// checkpoint, of triples in double made as the elements are read.
#include <cublas_v2.h>
#include <thrust/iterator/counting_iterator.h>

#include <cub/device/device_reduce.cuh>

#include "bench/angle_method.h"
#include "engine/device_bytes.h"
#include "kernels/cuda/cuda_handles.h"

namespace rlnas::bench {
namespace {

cudaStream_t stream_of(Backend& backend) {
  return static_cast<cudaStream_t>(backend.native_stream());
}

constexpr int kReadThreads = 256, kReadLoads = 8;

// A sum that no data has is what would be stored: nothing is written, and no load can be left out.
__global__ void __launch_bounds__(kReadThreads)
    read_kernel(const float4* from, std::int64_t vectors, float* sink) {
  const std::int64_t first = std::int64_t(blockIdx.x) * kReadThreads * kReadLoads + threadIdx.x;
  float4 loaded[kReadLoads];
#pragma unroll
  for (int i = 0; i < kReadLoads; ++i) {
    const std::int64_t at = first + std::int64_t(i) * kReadThreads;
    loaded[i] = at < vectors ? __ldcs(from + at) : float4{};
  }
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kReadLoads; ++i) sum += loaded[i].x + loaded[i].y + loaded[i].z + loaded[i].w;
  if (sum == -1.25e38f) *sink = sum;
}

class Read final : public AngleMethod {
 public:
  explicit Read(const AngleOperands& operands)
      : operands_(operands), sink_(operands.backend, sizeof(float)) {}

  void run(int set) override {
    const AngleOperands::Set& of = operands_.sets[std::size_t(set)];
    read(of.w0);
    for (const float* const w1 : of.w1) read(w1);
  }
  std::vector<AngleSums> sums() override { return {}; }

 private:
  void read(const float* from) {
    const std::int64_t vectors = operands_.table.buffer_count() / 4;
    const std::int64_t a_block = kReadThreads * kReadLoads;
    read_kernel<<<unsigned((vectors + a_block - 1) / a_block), kReadThreads, 0,
                  stream_of(operands_.backend)>>>(reinterpret_cast<const float4*>(from), vectors,
                                                  sink_.as<float>());
    check_cuda(cudaGetLastError(), "read_kernel");
  }

  const AngleOperands& operands_;
  DeviceBytes sink_;
};

void check_cublas(cublasStatus_t status, const char* what) {
  RLNAS_CHECK(status == CUBLAS_STATUS_SUCCESS, device, "cuBLAS: ", what, ": ", cublasGetStatusString(status));
}

class CublasHandle {
 public:
  CublasHandle() { check_cublas(cublasCreate(&handle_), "starting"); }
  ~CublasHandle() { cublasDestroy(handle_); }
  CublasHandle(const CublasHandle&) = delete;
  CublasHandle& operator=(const CublasHandle&) = delete;
  cublasHandle_t get() const { return handle_; }

 private:
  cublasHandle_t handle_ = nullptr;
};

class CublasDots final : public AngleMethod {
 public:
  explicit CublasDots(const AngleOperands& operands)
      : operands_(operands),
        count_(1 + 2 * std::size_t(operands.checkpoints())),
        results_(operands.backend, count_ * sizeof(float)) {
    check_cublas(cublasSetStream(handle_.get(), stream_of(operands.backend)), "setting the stream");
    check_cublas(cublasSetPointerMode(handle_.get(), CUBLAS_POINTER_MODE_DEVICE), "setting the pointer mode");
  }

  void run(int set) override {
    const AngleOperands::Set& of = operands_.sets[std::size_t(set)];
    float* result = results_.as<float>();
    dot(of.w0, of.w0, result++);
    for (const float* const w1 : of.w1) {
      dot(of.w0, w1, result++);
      dot(w1, w1, result++);
    }
  }
  std::vector<AngleSums> sums() override {
    std::vector<float> host(count_);
    operands_.backend.download(host.data(), results_.as<void>(), count_ * sizeof(float));
    std::vector<AngleSums> sums;
    for (std::size_t i = 1; i < count_; i += 2) sums.push_back({host[i], host[0], host[i + 1]});
    return sums;
  }

 private:
  void dot(const float* x, const float* y, float* result) {
    check_cublas(cublasSdot(handle_.get(), int(operands_.table.buffer_count()), x, 1, y, 1, result), "dot");
  }

  const AngleOperands& operands_;
  std::size_t count_;
  CublasHandle handle_;
  DeviceBytes results_;
};

struct TripleAt {
  const float *w0, *w1;
  __device__ AngleSums operator()(std::int64_t i) const {
    const double a = w0[i], b = w1[i];
    return {a * b, a * a, b * b};
  }
};

struct AddTriples {
  __host__ __device__ AngleSums operator()(const AngleSums& a, const AngleSums& b) const {
    return {a.dot + b.dot, a.norm0_sq + b.norm0_sq, a.norm1_sq + b.norm1_sq};
  }
};

class TransformReduce final : public AngleMethod {
 public:
  explicit TransformReduce(const AngleOperands& operands)
      : operands_(operands),
        count_(std::size_t(operands.checkpoints())),
        results_(operands.backend, count_ * sizeof(AngleSums)),
        scratch_bytes_(wanted_scratch_bytes()),
        scratch_(operands.backend, scratch_bytes_) {}

  void run(int set) override {
    const AngleOperands::Set& of = operands_.sets[std::size_t(set)];
    for (std::size_t c = 0; c < count_; ++c)
      reduce(scratch_.as<void>(), scratch_bytes_, {of.w0, of.w1[c]}, results_.as<AngleSums>() + c);
  }
  std::vector<AngleSums> sums() override {
    std::vector<AngleSums> host(count_);
    operands_.backend.download(host.data(), results_.as<void>(), count_ * sizeof(AngleSums));
    return host;
  }

 private:
  void reduce(void* scratch, std::size_t& scratch_bytes, TripleAt triples, AngleSums* result) const {
    check_cuda(
        cub::DeviceReduce::TransformReduce(scratch, scratch_bytes, thrust::counting_iterator<std::int64_t>(0),
                                           result, operands_.table.buffer_count(), AddTriples{}, triples,
                                           AngleSums{}, stream_of(operands_.backend)),
        "cub::DeviceReduce::TransformReduce");
  }
  std::size_t wanted_scratch_bytes() const {
    std::size_t bytes = 0;
    reduce(nullptr, bytes, {}, results_.as<AngleSums>());
    return bytes == 0 ? 1 : bytes;  // CUB takes a null pointer for the question above
  }

  const AngleOperands& operands_;
  std::size_t count_;
  DeviceBytes results_;
  std::size_t scratch_bytes_;
  DeviceBytes scratch_;
};

template <class Method>
std::unique_ptr<AngleMethod> make(const AngleOperands& operands) {
  return std::make_unique<Method>(operands);
}

}  // namespace

std::vector<AngleMethodKind> library_angle_methods() {
  return {{"read", sizeof(float), make<Read>},
          {"cublas_dots", sizeof(float), make<CublasDots>},
          {"cub_transform_reduce", sizeof(float), make<TransformReduce>}};
}

}  // namespace rlnas::bench
