// Owning handles of cuDNN's backend (graph) descriptors: attributes set and read by C++ type, failures thrown
// with the name of the call, cuDNN's status and its own last message. The one place that speaks cuDNN's
// untyped attribute protocol; cudnn_graph.* and cudnn_plan.* are written in terms of it.
#pragma once

#include <cudnn.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/check.h"

namespace rlnas {

// Throws Error(device) unless `status` is success: "cuDNN: WHAT: CUDNN_STATUS_...: cuDNN's message".
void check_cudnn(cudnnStatus_t status, std::string_view what);

// The attribute type that goes with a C++ type. A type that is not listed does not compile.
template <class T>
inline constexpr cudnnBackendAttributeType_t kCudnnAttribute = T::has_no_cudnn_attribute_type;
template <>
inline constexpr auto kCudnnAttribute<void*> = CUDNN_TYPE_VOID_PTR;
template <>
inline constexpr auto kCudnnAttribute<std::int64_t> = CUDNN_TYPE_INT64;
template <>
inline constexpr auto kCudnnAttribute<std::int32_t> = CUDNN_TYPE_INT32;
template <>
inline constexpr auto kCudnnAttribute<double> = CUDNN_TYPE_DOUBLE;
template <>
inline constexpr auto kCudnnAttribute<char> = CUDNN_TYPE_CHAR;
template <>
inline constexpr auto kCudnnAttribute<bool> = CUDNN_TYPE_BOOLEAN;
template <>
inline constexpr auto kCudnnAttribute<cudnnDataType_t> = CUDNN_TYPE_DATA_TYPE;
template <>
inline constexpr auto kCudnnAttribute<cudnnConvolutionMode_t> = CUDNN_TYPE_CONVOLUTION_MODE;
template <>
inline constexpr auto kCudnnAttribute<cudnnBackendHeurMode_t> = CUDNN_TYPE_HEUR_MODE;
template <>
inline constexpr auto kCudnnAttribute<cudnnBackendNumericalNote_t> = CUDNN_TYPE_NUMERICAL_NOTE;
template <>
inline constexpr auto kCudnnAttribute<cudnnBackendBehaviorNote_t> = CUDNN_TYPE_BEHAVIOR_NOTE;
template <>
inline constexpr auto kCudnnAttribute<cudnnBackendNormMode_t> = CUDNN_TYPE_NORM_MODE;
template <>
inline constexpr auto kCudnnAttribute<cudnnBackendNormFwdPhase_t> = CUDNN_TYPE_NORM_FWD_PHASE;
template <>
inline constexpr auto kCudnnAttribute<cudnnGenStatsMode_t> = CUDNN_TYPE_GENSTATS_MODE;
template <>
inline constexpr auto kCudnnAttribute<cudnnResampleMode_t> = CUDNN_TYPE_RESAMPLE_MODE;
template <>
inline constexpr auto kCudnnAttribute<cudnnPaddingMode_t> = CUDNN_TYPE_PADDING_MODE;
template <>
inline constexpr auto kCudnnAttribute<cudnnFraction_t> = CUDNN_TYPE_FRACTION;

// A descriptor and, kept alive with it, every descriptor it was made of. Copies share it.
class CudnnDescriptor {
 public:
  CudnnDescriptor() = default;
  explicit CudnnDescriptor(cudnnBackendDescriptorType_t type);

  cudnnBackendDescriptor_t get() const { return state_->descriptor; }

  template <class T>
  void set(cudnnBackendAttributeName_t name, const T& value) {
    set_raw(name, kCudnnAttribute<T>, 1, &value);
  }
  template <class T>
  void set_all(cudnnBackendAttributeName_t name, std::span<const T> values) {
    set_raw(name, kCudnnAttribute<T>, std::int64_t(values.size()), values.data());
  }
  void set(cudnnBackendAttributeName_t name, const CudnnDescriptor& part);
  void set_all(cudnnBackendAttributeName_t name, std::span<const CudnnDescriptor> parts);

  // The status of finalising, for a caller that has an alternative.
  cudnnStatus_t try_finalize() const;
  void finalize(std::string_view what) const;

  template <class T>
  T value(cudnnBackendAttributeName_t name) const {
    T result{};
    get_raw(name, kCudnnAttribute<T>, 1, &result);
    return result;
  }
  // At most `capacity` of them.
  template <class T>
  std::vector<T> values(cudnnBackendAttributeName_t name, std::int64_t capacity) const {
    std::vector<T> result(static_cast<std::size_t>(capacity));
    result.resize(std::size_t(get_raw(name, kCudnnAttribute<T>, capacity, result.data())));
    return result;
  }
  std::string text(cudnnBackendAttributeName_t name) const;
  // Descriptors that cuDNN fills in, of the given type.
  std::vector<CudnnDescriptor> parts(cudnnBackendAttributeName_t name,
                                     cudnnBackendDescriptorType_t type) const;

 private:
  struct State {
    ~State();
    cudnnBackendDescriptor_t descriptor = nullptr;
    std::vector<CudnnDescriptor> parts;
  };

  void set_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::int64_t count,
               const void* values);
  std::int64_t get_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                       std::int64_t capacity, void* values) const;
  std::int64_t count(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type) const;

  std::shared_ptr<State> state_;
};

}  // namespace rlnas
