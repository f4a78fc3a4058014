// A libcuda.so.1 that loads kernels and can run none, for machines without a driver: cuDNN's runtime-compiled
// engines go through NVRTC to a finished plan with it. The functions below answer; every other function of
// the driver is generated beside them (stub_driver.cmake) and answers "not supported".
namespace {

enum Result : int { kSuccess = 0 };

// Handles that are only ever passed back.
void* handle() {
  static char object;
  return &object;
}

}  // namespace

extern "C" {

Result cuInit(unsigned) {
  return kSuccess;
}

Result cuDriverGetVersion(int* version) {
  *version = 13000;
  return kSuccess;
}

Result cuDeviceGetCount(int* count) {
  *count = 0;
  return kSuccess;
}

Result cuGetErrorName(int, const char** name) {
  *name = "CUDA_ERROR_NOT_SUPPORTED";
  return kSuccess;
}

Result cuGetErrorString(int, const char** text) {
  *text = "not supported by the stub driver";
  return kSuccess;
}

Result cuLibraryLoadData(void** library, const void*, void*, void*, unsigned, void*, void*, unsigned) {
  *library = handle();
  return kSuccess;
}

Result cuLibraryUnload(void*) {
  return kSuccess;
}

Result cuLibraryGetKernel(void** kernel, void*, const char*) {
  *kernel = handle();
  return kSuccess;
}

Result cuLibraryGetModule(void** module, void*) {
  *module = handle();
  return kSuccess;
}

Result cuModuleLoadData(void** module, const void*) {
  *module = handle();
  return kSuccess;
}

Result cuModuleUnload(void*) {
  return kSuccess;
}

Result cuModuleGetFunction(void** function, void*, const char*) {
  *function = handle();
  return kSuccess;
}

Result cuKernelGetFunction(void** function, void*) {
  *function = handle();
  return kSuccess;
}

Result cuKernelSetAttribute(int, int, void*, int) {
  return kSuccess;
}

Result cuKernelGetAttribute(int* value, int, void*, int) {
  *value = 0;
  return kSuccess;
}

Result cuFuncSetAttribute(void*, int, int) {
  return kSuccess;
}

Result cuFuncGetAttribute(int* value, int, void*) {
  *value = 0;
  return kSuccess;
}
}
