# Flags that every target of the project shares.
add_library(rlnas_flags INTERFACE)
target_compile_features(rlnas_flags INTERFACE cxx_std_20)
target_compile_options(rlnas_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${RLNAS_WARNINGS_AS_ERRORS}>>:-Werror>
  # GCC 12 sees an overlap in std::string code that is not there (PR 105651).
  $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>
  # Results must not depend on how the compiler contracts a*b+c from one build to the next.
  $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>)
# Under nvcc a register that spills to memory is an error, as warnings are. Constexpr functions of spec.h and
# std::array run on the device.
set(RLNAS_NVCC_OPTIONS --expt-relaxed-constexpr -Xptxas=-warn-spills,-warn-lmem-usage -Werror=all-warnings
                       -Xcompiler=-Wall,-Wextra,-ffp-contract=off)
target_compile_options(rlnas_flags INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:${RLNAS_NVCC_OPTIONS}>")
# Warnings that follow values: they go astray in the sanitizers' code, as GCC's manual says, and GCC 12 sees overruns in
# std::string's (PR 105329), which it holds back unless the header was precompiled.
set(RLNAS_NO_FLOW_WARNINGS -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-maybe-uninitialized)
if(RLNAS_SANITIZE)
  target_compile_options(rlnas_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${RLNAS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer>
    "$<$<COMPILE_LANGUAGE:CXX>:${RLNAS_NO_FLOW_WARNINGS}>")
  target_link_options(rlnas_flags INTERFACE -fsanitize=${RLNAS_SANITIZE})
endif()
if(RLNAS_SANITIZE MATCHES "address")  # what a vector keeps in reserve is no one's either
  target_compile_definitions(rlnas_flags INTERFACE _GLIBCXX_SANITIZE_VECTOR)
endif()
if(RLNAS_FUZZ)  # programs without tests/fuzz/fuzz_main.cpp do not link then
  target_compile_options(rlnas_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize-coverage=trace-pc,trace-cmp>)
endif()

# rlnas_add_library(NAME SOURCES...): one static library per folder.
function(rlnas_add_library name)
  add_library(${name} STATIC ${ARGN})
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/kernels/include>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/search/include>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/search/api/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${name} PRIVATE $<BUILD_INTERFACE:rlnas_flags>)
endfunction()
