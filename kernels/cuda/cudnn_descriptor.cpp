#include "kernels/cuda/cudnn_descriptor.h"

#include <algorithm>
#include <iterator>

namespace rlnas {
namespace {

std::string attribute(const char* call, cudnnBackendAttributeName_t name) {
  return std::string(call) + " of attribute " + std::to_string(int(name));
}

}  // namespace

void check_cudnn(cudnnStatus_t status, std::string_view what) {
  if (status == CUDNN_STATUS_SUCCESS) [[likely]]
    return;
  char message[1024] = {};
  cudnnGetLastErrorString(message, sizeof message);
  std::replace(std::begin(message), std::end(message), '\n', ' ');  // an error is one line
  fail(ErrorCode::device, "cuDNN: ", what, ": ", cudnnGetErrorString(status), message[0] != '\0' ? ": " : "",
       message);
}

CudnnDescriptor::State::~State() {
  if (descriptor != nullptr) cudnnBackendDestroyDescriptor(descriptor);
}

CudnnDescriptor::CudnnDescriptor(cudnnBackendDescriptorType_t type) : state_(std::make_shared<State>()) {
  check_cudnn(cudnnBackendCreateDescriptor(type, &state_->descriptor),
              "creating a descriptor of type " + std::to_string(int(type)));
}

void CudnnDescriptor::set(cudnnBackendAttributeName_t name, const CudnnDescriptor& part) {
  set_all(name, std::span(&part, 1));
}

void CudnnDescriptor::set_all(cudnnBackendAttributeName_t name, std::span<const CudnnDescriptor> parts) {
  std::vector<cudnnBackendDescriptor_t> raw;
  for (const CudnnDescriptor& part : parts) raw.push_back(part.get());
  set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, std::int64_t(raw.size()), raw.data());
  state_->parts.insert(state_->parts.end(), parts.begin(), parts.end());
}

cudnnStatus_t CudnnDescriptor::try_finalize() const {
  return cudnnBackendFinalize(get());
}

void CudnnDescriptor::finalize(std::string_view what) const {
  check_cudnn(try_finalize(), what);
}

std::string CudnnDescriptor::text(cudnnBackendAttributeName_t name) const {
  std::string result(std::size_t(count(name, CUDNN_TYPE_CHAR)), '\0');
  get_raw(name, CUDNN_TYPE_CHAR, std::int64_t(result.size()), result.data());
  return result;
}

std::vector<CudnnDescriptor> CudnnDescriptor::parts(cudnnBackendAttributeName_t name,
                                                    cudnnBackendDescriptorType_t type) const {
  std::vector<CudnnDescriptor> result;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (std::int64_t left = count(name, CUDNN_TYPE_BACKEND_DESCRIPTOR); left > 0; --left)
    raw.push_back(result.emplace_back(type).get());
  if (raw.empty()) return result;
  const std::int64_t filled =
      get_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, std::int64_t(raw.size()), raw.data());
  result.resize(std::size_t(filled));
  return result;
}

void CudnnDescriptor::set_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                              std::int64_t count, const void* values) {
  const cudnnStatus_t status = cudnnBackendSetAttribute(get(), name, type, count, values);
  if (status != CUDNN_STATUS_SUCCESS) [[unlikely]]
    check_cudnn(status, attribute("setting", name));
}

std::int64_t CudnnDescriptor::get_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                                      std::int64_t capacity, void* values) const {
  std::int64_t count = 0;
  const cudnnStatus_t status = cudnnBackendGetAttribute(get(), name, type, capacity, &count, values);
  if (status != CUDNN_STATUS_SUCCESS) [[unlikely]]
    check_cudnn(status, attribute("reading", name));
  return count;
}

std::int64_t CudnnDescriptor::count(cudnnBackendAttributeName_t name,
                                    cudnnBackendAttributeType_t type) const {
  return get_raw(name, type, 0, nullptr);
}

}  // namespace rlnas
