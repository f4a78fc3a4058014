// What CUDA's own libraries take for the angle sums. cuBLAS: three Sdot for each segment, results left on the
// device; one segment makes that three over the whole buffer. It adds up in fp32, so it does less than the
// own kernel. CUB: three DeviceSegmentedReduce over all segments, of products formed as they are read, in
// double.
#include <cublas_v2.h>

#include <cub/device/device_segmented_reduce.cuh>
#include <iterator>

#include "bench/angle_method.h"
#include "bench/device_copy.h"
#include "engine/device_bytes.h"
#include "kernels/cuda/cuda_handles.h"

namespace rlnas::bench {
namespace {

cudaStream_t stream_of(Backend& backend) {
  return static_cast<cudaStream_t>(backend.native_stream());
}

// w1 <- w0: as many bytes as a pass reads, half of them written.
class DeviceCopy final : public AngleMethod {
 public:
  explicit DeviceCopy(const AnglePairs& pairs) : pairs_(pairs) {}

  void run(int pair) override {
    const std::size_t bytes = std::size_t(pairs_.table.buffer_count()) * sizeof(float);
    queue_device_copy(pairs_.backend, const_cast<float*>(pairs_.w1[std::size_t(pair)]),
                      pairs_.w0[std::size_t(pair)], bytes);
  }

 private:
  AnglePairs pairs_;
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
  explicit CublasDots(const AnglePairs& pairs)
      : pairs_(pairs), results_(pairs.backend, 3 * std::size_t(pairs.table.size()) * sizeof(float)) {
    check_cublas(cublasSetStream(handle_.get(), stream_of(pairs.backend)), "setting the stream");
    check_cublas(cublasSetPointerMode(handle_.get(), CUBLAS_POINTER_MODE_DEVICE), "setting the pointer mode");
  }

  void run(int pair) override {
    const float *const w0 = pairs_.w0[std::size_t(pair)], *const w1 = pairs_.w1[std::size_t(pair)];
    float* result = results_.as<float>();
    for (const Segment& segment : pairs_.table) {
      const float *const a = w0 + segment.offset, *const b = w1 + segment.offset;
      for (const auto& [x, y] : {std::pair(a, b), std::pair(a, a), std::pair(b, b)})
        check_cublas(cublasSdot(handle_.get(), int(segment.count), x, 1, y, 1, result++), "dot");
    }
  }

 private:
  AnglePairs pairs_;
  CublasHandle handle_;
  DeviceBytes results_;
};

// The products of two buffers, as an iterator of CUB's.
struct Products {
  using iterator_category = std::random_access_iterator_tag;
  using value_type = double;
  using difference_type = std::ptrdiff_t;
  using pointer = const double*;
  using reference = double;

  const float* a;
  const float* b;

  __host__ __device__ double operator*() const { return double(*a) * double(*b); }
  __host__ __device__ double operator[](difference_type i) const { return *(*this + i); }
  __host__ __device__ Products operator+(difference_type i) const { return {a + i, b + i}; }
};

class SegmentedReductions final : public AngleMethod {
 public:
  explicit SegmentedReductions(const AnglePairs& pairs)
      : pairs_(pairs),
        segments_(pairs.table.size()),
        offsets_(pairs.backend, host_offsets(pairs.table).data(),
                 2 * std::size_t(segments_) * sizeof(std::int64_t)),
        results_(pairs.backend, 3 * std::size_t(segments_) * sizeof(double)),
        scratch_bytes_(wanted_scratch_bytes()),
        scratch_(pairs.backend, scratch_bytes_) {}

  void run(int pair) override {
    const float *const w0 = pairs_.w0[std::size_t(pair)], *const w1 = pairs_.w1[std::size_t(pair)];
    double* result = results_.as<double>();
    for (const Products products : {Products{w0, w1}, Products{w0, w0}, Products{w1, w1}}) {
      reduce(scratch_.as<void>(), scratch_bytes_, products, result);
      result += segments_;
    }
  }

 private:
  // All first elements, then all ends.
  static std::vector<std::int64_t> host_offsets(const SegmentTable& table) {
    std::vector<std::int64_t> offsets;
    for (const Segment& segment : table) offsets.push_back(segment.offset);
    for (const Segment& segment : table) offsets.push_back(segment.offset + segment.count);
    return offsets;
  }
  void reduce(void* scratch, std::size_t& scratch_bytes, Products products, double* result) const {
    const std::int64_t* const begins = offsets_.as<std::int64_t>();
    check_cuda(cub::DeviceSegmentedReduce::Sum(scratch, scratch_bytes, products, result, segments_, begins,
                                               begins + segments_, stream_of(pairs_.backend)),
               "cub::DeviceSegmentedReduce");
  }
  std::size_t wanted_scratch_bytes() const {
    std::size_t bytes = 0;
    reduce(nullptr, bytes, {pairs_.w0[0], pairs_.w1[0]}, results_.as<double>());
    return bytes == 0 ? 1 : bytes;  // CUB takes a null pointer for the question above
  }

  AnglePairs pairs_;
  int segments_;
  DeviceBytes offsets_, results_;
  std::size_t scratch_bytes_;
  DeviceBytes scratch_;
};

template <class Method>
std::unique_ptr<AngleMethod> make(const AnglePairs& pairs) {
  return std::make_unique<Method>(pairs);
}

}  // namespace

std::vector<AngleMethodKind> library_angle_methods() {
  constexpr double kBothBuffers = 2.0 * sizeof(float);
  return {{"device_copy", kBothBuffers, make<DeviceCopy>},
          {"three_cublas_dots", kBothBuffers, make<CublasDots>},
          {"three_segmented_reductions", kBothBuffers, make<SegmentedReductions>}};
}

}  // namespace rlnas::bench
