# Whether the CUDA backend is built: RLNAS_CUDA=AUTO when its tools are there, ON to insist, OFF to leave it out.
# Sets RLNAS_WITH_CUDA and enables the language. Needs nvcc, cuBLAS, NVTX and cuDNN 9; a driver or a GPU only to run.
set(RLNAS_CUDA "AUTO" CACHE STRING "Build the CUDA backend: AUTO (when nvcc, cuBLAS and cuDNN are found), ON or OFF")
set_property(CACHE RLNAS_CUDA PROPERTY STRINGS AUTO ON OFF)
set(RLNAS_WITH_CUDA OFF)
if(RLNAS_CUDA STREQUAL "OFF")
  message(STATUS "CUDA backend: left out (RLNAS_CUDA=OFF)")
  return()
endif()

set(_missing "")
# nvcc is seldom on PATH.
find_program(CMAKE_CUDA_COMPILER nvcc HINTS ENV CUDACXX ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin)
if(CMAKE_CUDA_COMPILER)
  find_package(CUDAToolkit 12.0 QUIET)
  if(NOT TARGET CUDA::cublas)
    list(APPEND _missing "cuBLAS")
  endif()
else()
  list(APPEND _missing "nvcc")
endif()
find_package(Cudnn 9 QUIET)
if(NOT Cudnn_FOUND)
  list(APPEND _missing "cuDNN 9")
endif()
find_path(RLNAS_NVTX_INCLUDE nvtx3/nvToolsExt.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ${Cudnn_CUDA_INCLUDE_DIR})
if(NOT RLNAS_NVTX_INCLUDE)
  list(APPEND _missing "NVTX")
endif()
if(_missing)
  list(JOIN _missing ", " _missing)
  if(RLNAS_CUDA STREQUAL "ON")
    message(FATAL_ERROR "RLNAS_CUDA=ON, but not found: ${_missing}")
  endif()
  message(STATUS "CUDA backend: left out, not found: ${_missing}; runs on the CPU alone")
  return()
endif()

# A100 and H100, and PTX that later GPUs translate when a program starts.
set(CMAKE_CUDA_ARCHITECTURES "80-real;90" CACHE STRING "GPU architectures, as CMake names them")
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)  # so that a program starts, and falls back, where there is no CUDA
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know it of nvcc
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
# CMake takes these out of what it passes as -isystem; with /usr/include in it nvcc's host compiler finds no math.h.
list(APPEND CMAKE_CUDA_IMPLICIT_INCLUDE_DIRECTORIES ${CMAKE_CXX_IMPLICIT_INCLUDE_DIRECTORIES})
set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)  # CUDA's libraries are seldom where the loader looks by itself
set(RLNAS_WITH_CUDA ON)
message(STATUS "CUDA backend: nvcc ${CMAKE_CUDA_COMPILER_VERSION}, cuDNN ${Cudnn_VERSION}, "
               "architectures ${CMAKE_CUDA_ARCHITECTURES}")
