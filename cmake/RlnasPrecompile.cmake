# Headers that cost seconds in each file that includes them, compiled once. A header here is no substitute for an
# #include: everything builds with -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON too.
#
#   rlnas_precompile(TARGET)            a folder's library: the standard library and JSON
#   target_precompile_headers(X REUSE_FROM rlnas_test_main)     tests: see tests/CMakeLists.txt
set(RLNAS_PRECOMPILED <algorithm> <filesystem> <fstream> <functional> <map> <memory> <optional> <sstream> <string> <thread>
                      <vector> <nlohmann/json.hpp>)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/empty.cpp CONTENT "// For targets that are made of other things.\n")
add_library(rlnas_precompiled STATIC ${PROJECT_BINARY_DIR}/empty.cpp)
target_link_libraries(rlnas_precompiled PRIVATE rlnas_flags nlohmann_json::nlohmann_json)
target_precompile_headers(rlnas_precompiled PRIVATE ${RLNAS_PRECOMPILED})

# Files that write or read JSON once in a while, not numbers: optimising all of that template code takes half of their
# compile time and saves microseconds.
function(rlnas_optimise_lightly)
  set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS
    "$<$<CONFIG:Release,RelWithDebInfo>:-O1;${RLNAS_NO_FLOW_WARNINGS}>")
endfunction()

function(rlnas_precompile target)
  target_precompile_headers(${target} REUSE_FROM rlnas_precompiled)
  if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${RLNAS_NO_FLOW_WARNINGS}>")
  endif()
endfunction()
