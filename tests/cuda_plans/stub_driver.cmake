# rlnas_add_stub_driver(NAME): libcuda.so.1 of stub_driver.cpp and, for every other function that the toolkit's
# link stub names, one that answers CUDA_ERROR_NOT_SUPPORTED (cuDNN looks names up and complains of missing ones).
function(rlnas_add_stub_driver name)
  find_library(RLNAS_CUDA_LINK_STUB cuda PATH_SUFFIXES lib64/stubs lib/stubs
               HINTS ${CUDAToolkit_ROOT} $ENV{CUDA_PATH} /usr/local/cuda NO_DEFAULT_PATH)
  if(NOT RLNAS_CUDA_LINK_STUB OR NOT CMAKE_NM)
    return()
  endif()
  execute_process(COMMAND ${CMAKE_NM} -D --defined-only ${RLNAS_CUDA_LINK_STUB}
                  OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[ \t]cu[A-Za-z0-9_]+" functions "${listing}")
  set(source "")
  foreach(function IN LISTS functions)
    string(STRIP "${function}" function)
    string(APPEND source "__attribute__((weak)) int ${function}(void) { return 801; }\n")
  endforeach()
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}_rest.cpp
       CONTENT "extern \"C\" {\n${source}}\n" @ONLY)
  add_library(${name} SHARED ${CMAKE_CURRENT_SOURCE_DIR}/stub_driver.cpp
                             ${CMAKE_CURRENT_BINARY_DIR}/${name}_rest.cpp)
  set_target_properties(${name} PROPERTIES OUTPUT_NAME cuda SOVERSION 1 CXX_VISIBILITY_PRESET default
                        LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/stub_driver)
endfunction()
