# cuDNN 9 (its graph API) as the target CUDNN::cudnn, with the headers of the CUDA toolkit that it includes.
# Sets Cudnn_VERSION. Looks where CUDA lies as well as in the usual places. A cuDNN that cannot plan for described
# devices (DEVICEPROP descriptors) is too old.
set(_cudnn_hints ${CUDAToolkit_ROOT} $ENV{CUDNN_PATH} $ENV{CUDA_PATH} /usr/local/cuda)
find_path(Cudnn_INCLUDE_DIR cudnn_graph.h HINTS ${_cudnn_hints} PATH_SUFFIXES include)
find_path(Cudnn_CUDA_INCLUDE_DIR cuda_runtime_api.h HINTS ${_cudnn_hints}
          PATH_SUFFIXES include targets/x86_64-linux/include)
find_library(Cudnn_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${_cudnn_hints} PATH_SUFFIXES lib64 lib)
if(Cudnn_INCLUDE_DIR AND EXISTS ${Cudnn_INCLUDE_DIR}/cudnn_version.h)
  file(STRINGS ${Cudnn_INCLUDE_DIR}/cudnn_version.h _cudnn_lines REGEX "define CUDNN_(MAJOR|MINOR|PATCHLEVEL) ")
  string(REGEX REPLACE "[^0-9;]" "" Cudnn_VERSION "${_cudnn_lines}")
  string(REPLACE ";" "." Cudnn_VERSION "${Cudnn_VERSION}")
endif()
if(Cudnn_INCLUDE_DIR)
  file(STRINGS ${Cudnn_INCLUDE_DIR}/cudnn_graph.h Cudnn_DEVICE_PROPERTIES
       REGEX "CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR" LIMIT_COUNT 1)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Cudnn
  REQUIRED_VARS Cudnn_LIBRARY Cudnn_INCLUDE_DIR Cudnn_CUDA_INCLUDE_DIR Cudnn_DEVICE_PROPERTIES
  VERSION_VAR Cudnn_VERSION)
if(Cudnn_FOUND AND NOT TARGET CUDNN::cudnn)
  add_library(CUDNN::cudnn UNKNOWN IMPORTED GLOBAL)
  set_target_properties(CUDNN::cudnn PROPERTIES IMPORTED_LOCATION "${Cudnn_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${Cudnn_INCLUDE_DIR};${Cudnn_CUDA_INCLUDE_DIR}")
endif()
