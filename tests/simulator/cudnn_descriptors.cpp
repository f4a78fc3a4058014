// cuDNN: descriptors. Every call goes on to the real library; the properties of the device, which the real
// one would ask the driver for, are the simulated device's.
#include <dlfcn.h>

#include <algorithm>

#include "tests/simulator/cudnn_record.h"
#include "tests/simulator/device_properties.h"
#include "tests/simulator/state.h"

namespace rlnas::simulator {
namespace {

std::map<cudnnBackendDescriptor_t, DescriptorRecord>& records() {
  static auto* const records = new std::map<cudnnBackendDescriptor_t, DescriptorRecord>;
  return *records;
}

std::size_t bytes_of(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_BOOLEAN:
    case CUDNN_TYPE_CHAR:
      return 1;
    case CUDNN_TYPE_HANDLE:
    case CUDNN_TYPE_INT64:
    case CUDNN_TYPE_DOUBLE:
    case CUDNN_TYPE_VOID_PTR:
    case CUDNN_TYPE_BACKEND_DESCRIPTOR:
      return 8;
    case CUDNN_TYPE_FRACTION:
      return sizeof(cudnnFraction_t);
    default:
      return 4;  // enumerations, float, int32
  }
}

template <class T, std::size_t N>
std::array<T, N> array_of(const DescriptorRecord& record, cudnnBackendAttributeName_t name) {
  const std::vector<T> values = record.values<T>(name);
  if (values.size() != N) misuse("cuDNN attribute " + std::to_string(int(name)) + ": only 2D is simulated");
  std::array<T, N> result{};
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}

const DescriptorRecord& part(const DescriptorRecord& record, cudnnBackendAttributeName_t name) {
  return record_of(record.value<cudnnBackendDescriptor_t>(name, nullptr));
}

GraphTensor read_tensor(const DescriptorRecord& record) {
  GraphTensor tensor;
  tensor.id = record.value<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, 0);
  tensor.sizes = array_of<std::int64_t, 4>(record, CUDNN_ATTR_TENSOR_DIMENSIONS);
  tensor.strides = array_of<std::int64_t, 4>(record, CUDNN_ATTR_TENSOR_STRIDES);
  tensor.type = record.value(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_DATA_FLOAT);
  tensor.alignment = record.value<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 1);
  return tensor;
}

// The attributes in which the operations of the three passes differ.
struct Names {
  ConvolutionResult result;
  cudnnBackendAttributeName_t x, w, y, geometry, alpha, beta;
};

std::optional<Names> names_of(cudnnBackendDescriptorType_t operation) {
  switch (operation) {
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR:
      return Names{ConvolutionResult::y,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR:
      return Names{ConvolutionResult::x,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR:
      return Names{ConvolutionResult::w,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
                   CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
    default:
      return std::nullopt;
  }
}

// A plan's own text, and behind it what the plan computes, which only cuDNN could read out of it.
constexpr const char* kMark = "\nsimulated ";

Computation computation_of(const std::string& text) {
  if (text.starts_with("0 ")) return convolution_of(text.substr(2));
  return norm_pool_of(text.substr(2));
}

// Called by the real library's conventions: `capacity` 0 asks for the length.
cudnnStatus_t read_plan_text(cudnnBackendDescriptor_t plan, std::int64_t capacity, std::int64_t* count,
                             void* to) {
  const auto real = RLNAS_REAL_CUDNN(cudnnBackendGetAttribute);
  constexpr auto kName = CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION;
  std::int64_t length = 0;
  cudnnStatus_t status = real(plan, kName, CUDNN_TYPE_CHAR, 0, &length, nullptr);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  std::string text(std::size_t(length), '\0');
  status = real(plan, kName, CUDNN_TYPE_CHAR, length, &length, text.data());
  if (status != CUDNN_STATUS_SUCCESS) return status;
  if (const auto& computation = record_of(plan).computation)
    std::visit(
        [&](const auto& of) { text += kMark + std::to_string(computation->index()) + ' ' + text_of(of); },
        *computation);
  *count = std::int64_t(text.size());
  if (to != nullptr) std::memcpy(to, text.data(), std::size_t(std::min(capacity, *count)));
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t write_plan_text(cudnnBackendDescriptor_t plan, const std::string& text) {
  const std::size_t mark = text.find(kMark);
  const std::string json = text.substr(0, mark);
  const cudnnStatus_t status =
      RLNAS_REAL_CUDNN(cudnnBackendSetAttribute)(plan, CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION,
                                                 CUDNN_TYPE_CHAR, std::int64_t(json.size()), json.data());
  if (status == CUDNN_STATUS_SUCCESS && mark != std::string::npos)
    record_of(plan).computation = computation_of(text.substr(mark + std::strlen(kMark)));
  return status;
}

std::vector<GraphTensor> tensors_of(const DescriptorRecord& operation,
                                    std::initializer_list<cudnnBackendAttributeName_t> names) {
  std::vector<GraphTensor> tensors;
  for (const auto name : names) tensors.push_back(read_tensor(part(operation, name)));
  return tensors;
}

std::optional<NormPool> read_norm(const DescriptorRecord& operation) {
  if (operation.type == CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR) {
    if (operation.value(CUDNN_ATTR_OPERATION_NORM_FWD_MODE, CUDNN_LAYER_NORM) != CUDNN_BATCH_NORM ||
        operation.value(CUDNN_ATTR_OPERATION_NORM_FWD_PHASE, CUDNN_NORM_FWD_INFERENCE) !=
            CUDNN_NORM_FWD_TRAINING)
      return std::nullopt;
    const DescriptorRecord& epsilon = part(operation, CUDNN_ATTR_OPERATION_NORM_FWD_EPSILON_DESC);
    return NormPool{
        NormPool::Kind::norm_forward,
        tensors_of(operation,
                   {CUDNN_ATTR_OPERATION_NORM_FWD_XDESC, CUDNN_ATTR_OPERATION_NORM_FWD_YDESC,
                    CUDNN_ATTR_OPERATION_NORM_FWD_MEAN_DESC, CUDNN_ATTR_OPERATION_NORM_FWD_INV_VARIANCE_DESC,
                    CUDNN_ATTR_OPERATION_NORM_FWD_SCALE_DESC, CUDNN_ATTR_OPERATION_NORM_FWD_BIAS_DESC}),
        epsilon.value<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID, 0),
        {},
        {},
        {}};
  }
  if (operation.value(CUDNN_ATTR_OPERATION_NORM_BWD_MODE, CUDNN_LAYER_NORM) != CUDNN_BATCH_NORM)
    return std::nullopt;
  return NormPool{
      NormPool::Kind::norm_backward,
      tensors_of(operation,
                 {CUDNN_ATTR_OPERATION_NORM_BWD_XDESC, CUDNN_ATTR_OPERATION_NORM_BWD_DYDESC,
                  CUDNN_ATTR_OPERATION_NORM_BWD_DXDESC, CUDNN_ATTR_OPERATION_NORM_BWD_MEAN_DESC,
                  CUDNN_ATTR_OPERATION_NORM_BWD_INV_VARIANCE_DESC, CUDNN_ATTR_OPERATION_NORM_BWD_SCALE_DESC,
                  CUDNN_ATTR_OPERATION_NORM_BWD_DSCALE_DESC, CUDNN_ATTR_OPERATION_NORM_BWD_DBIAS_DESC}),
      0,
      {},
      {},
      {}};
}

std::optional<NormPool> read_average(const DescriptorRecord& operation) {
  const bool forward = operation.type == CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR;
  const DescriptorRecord& geometry = part(
      operation, forward ? CUDNN_ATTR_OPERATION_RESAMPLE_FWD_DESC : CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DESC);
  if (geometry.value(CUDNN_ATTR_RESAMPLE_MODE, CUDNN_RESAMPLE_MAXPOOL) !=
      CUDNN_RESAMPLE_AVGPOOL_EXCLUDE_PADDING)
    return std::nullopt;
  const auto whole = [&](cudnnBackendAttributeName_t name) {
    const auto fractions = array_of<cudnnFraction_t, 2>(geometry, name);
    return std::array<std::int64_t, 2>{fractions[0].numerator / fractions[0].denominator,
                                       fractions[1].numerator / fractions[1].denominator};
  };
  return NormPool{forward ? NormPool::Kind::average_forward : NormPool::Kind::average_backward,
                  forward ? tensors_of(operation, {CUDNN_ATTR_OPERATION_RESAMPLE_FWD_XDESC,
                                                   CUDNN_ATTR_OPERATION_RESAMPLE_FWD_YDESC})
                          : tensors_of(operation, {CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DXDESC,
                                                   CUDNN_ATTR_OPERATION_RESAMPLE_BWD_DYDESC}),
                  0,
                  whole(CUDNN_ATTR_RESAMPLE_WINDOW_DIMS),
                  whole(CUDNN_ATTR_RESAMPLE_STRIDES),
                  whole(CUDNN_ATTR_RESAMPLE_PRE_PADDINGS)};
}

std::optional<NormPool> read_norm_pool(const DescriptorRecord& operation) {
  switch (operation.type) {
    case CUDNN_BACKEND_OPERATION_NORM_FORWARD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_NORM_BACKWARD_DESCRIPTOR:
      return read_norm(operation);
    case CUDNN_BACKEND_OPERATION_RESAMPLE_FWD_DESCRIPTOR:
    case CUDNN_BACKEND_OPERATION_RESAMPLE_BWD_DESCRIPTOR:
      return read_average(operation);
    default:
      return std::nullopt;
  }
}

}  // namespace

DescriptorRecord& record_of(cudnnBackendDescriptor_t descriptor) {
  const auto found = records().find(descriptor);
  if (found == records().end()) misuse("a cuDNN descriptor that was destroyed or never made");
  return found->second;
}

std::optional<Computation> read_graph(const DescriptorRecord& graph) {
  const auto operations = graph.values<cudnnBackendDescriptor_t>(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  if (operations.size() != 1) return std::nullopt;
  const DescriptorRecord& operation = record_of(operations.front());
  if (const std::optional<NormPool> norm_pool = read_norm_pool(operation)) return norm_pool;
  const std::optional<Names> names = names_of(operation.type);
  if (!names) return std::nullopt;
  if (operation.value(names->alpha, 1.0) != 1.0 || operation.value(names->beta, 0.0) != 0.0)
    return std::nullopt;
  const DescriptorRecord& geometry = part(operation, names->geometry);
  const auto padding = array_of<std::int64_t, 2>(geometry, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  if (geometry.value(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION) != CUDNN_CROSS_CORRELATION)
    return std::nullopt;
  return Convolution{names->result,
                     read_tensor(part(operation, names->x)),
                     read_tensor(part(operation, names->w)),
                     read_tensor(part(operation, names->y)),
                     padding,
                     array_of<std::int64_t, 2>(geometry, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES),
                     array_of<std::int64_t, 2>(geometry, CUDNN_ATTR_CONVOLUTION_DILATIONS)};
}

// The real library sits behind dlopen, so that its own calls among its parts never meet the ones below.
void* real_cudnn(const char* name) {
  static void* const library = dlopen(RLNAS_CUDNN_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) misuse(std::string("libcudnn: ") + dlerror());
  void* const function = dlsym(library, name);
  if (function == nullptr) misuse(std::string("libcudnn has no ") + name);
  return function;
}

}  // namespace rlnas::simulator

using namespace rlnas::simulator;

extern "C" {

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type,
                                           cudnnBackendDescriptor_t* descriptor) {
  const Entry entry;
  if (fails(Call::descriptor)) return CUDNN_STATUS_INTERNAL_ERROR;
  const cudnnStatus_t status = RLNAS_REAL_CUDNN(cudnnBackendCreateDescriptor)(type, descriptor);
  if (status == CUDNN_STATUS_SUCCESS)
    records()[*descriptor] = {.type = type, .attributes = {}, .computation = {}};
  return status;
}

cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor) {
  const Entry entry;
  records().erase(descriptor);
  return RLNAS_REAL_CUDNN(cudnnBackendDestroyDescriptor)(descriptor);
}

cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                                       cudnnBackendAttributeType_t type, std::int64_t count,
                                       const void* values) {
  const Entry entry;
  if (fails(Call::descriptor)) return CUDNN_STATUS_INTERNAL_ERROR;
  const auto real = RLNAS_REAL_CUDNN(cudnnBackendSetAttribute);
  if (name == CUDNN_ATTR_DEVICEPROP_DEVICE_ID) {
    if (device_status() != cudaSuccess) return CUDNN_STATUS_NOT_INITIALIZED;
    const std::string& json = device_properties().json();
    return real(descriptor, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                std::int64_t(json.size()), json.data());
  }
  const char* const first = static_cast<const char*>(values);
  if (name == CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION)
    return write_plan_text(descriptor, std::string(first, std::size_t(count)));
  const cudnnStatus_t status = real(descriptor, name, type, count, values);
  if (status == CUDNN_STATUS_SUCCESS)
    record_of(descriptor).attributes[name].assign(first, first + std::size_t(count) * bytes_of(type));
  return status;
}

cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t const descriptor,
                                       cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                                       std::int64_t capacity, std::int64_t* count, void* values) {
  const Entry entry;
  if (fails(Call::descriptor)) return CUDNN_STATUS_INTERNAL_ERROR;
  if (name == CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION)
    return read_plan_text(descriptor, capacity, count, values);
  const cudnnStatus_t status =
      RLNAS_REAL_CUDNN(cudnnBackendGetAttribute)(descriptor, name, type, capacity, count, values);
  if (status != CUDNN_STATUS_SUCCESS || name != CUDNN_ATTR_ENGINEHEUR_RESULTS || values == nullptr)
    return status;
  const DescriptorRecord& graph = part(record_of(descriptor), CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
  for (std::int64_t i = 0; i < *count; ++i)
    record_of(static_cast<cudnnBackendDescriptor_t*>(values)[i]).computation = graph.computation;
  return status;
}

cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor) {
  const Entry entry;
  if (fails(Call::descriptor)) return CUDNN_STATUS_INTERNAL_ERROR;
  DescriptorRecord& record = record_of(descriptor);
  const bool is_plan = record.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR;
  const cudnnStatus_t status = RLNAS_REAL_CUDNN(cudnnBackendFinalize)(descriptor);
  if (status != CUDNN_STATUS_SUCCESS) return status;
  record.finalized = true;
  if (record.type == CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR) record.computation = read_graph(record);
  if (is_plan && !record.computation)
    record.computation = part(record, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG).computation;
  return status;
}

std::size_t cudnnGetVersion() {
  const std::size_t said = options().cudnn_version;
  return said != 0 ? said : RLNAS_REAL_CUDNN(cudnnGetVersion)();
}
const char* cudnnGetErrorString(cudnnStatus_t status) {
  return RLNAS_REAL_CUDNN(cudnnGetErrorString)(status);
}
void cudnnGetLastErrorString(char* message, std::size_t size) {
  RLNAS_REAL_CUDNN(cudnnGetLastErrorString)(message, size);
}

}  // extern "C"
