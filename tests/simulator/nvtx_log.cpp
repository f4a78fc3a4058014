// A profiler of three functions: NVTX loads this library when NVTX_INJECTION64_PATH names it, and it writes
// the ranges that a program opens and closes to the file that NVTX_LOG names.
#include <nvtx3/nvToolsExt.h>

#include <cstdio>
#include <cstdlib>

namespace {

std::FILE* log_file() {
  static std::FILE* const file = [] {
    const char* const path = std::getenv("NVTX_LOG");
    return path == nullptr ? stderr : std::fopen(path, "w");
  }();
  return file;
}

int NVTX_API push_range(const char* name) {
  std::fprintf(log_file(), "open %s\n", name);
  std::fflush(log_file());
  return 0;
}
int NVTX_API pop_range() {
  std::fprintf(log_file(), "close\n");
  std::fflush(log_file());
  return 0;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int InitializeInjectionNvtx2(
    NvtxGetExportTableFunc_t export_table) {
  const auto* const callbacks =
      static_cast<const NvtxExportTableCallbacks*>(export_table(NVTX_ETID_CALLBACKS));
  NvtxFunctionTable table = nullptr;
  unsigned size = 0;
  if (callbacks == nullptr || callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &table, &size) == 0 ||
      size <= NVTX_CBID_CORE_RangePop || log_file() == nullptr)
    return 0;
  *table[NVTX_CBID_CORE_RangePushA] = reinterpret_cast<NvtxFunctionPointer>(push_range);
  *table[NVTX_CBID_CORE_RangePop] = reinterpret_cast<NvtxFunctionPointer>(pop_range);
  return 1;
}
