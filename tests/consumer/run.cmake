# Installs the build into a scratch prefix, then configures, builds and runs the consumer against it.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGN}\n${output}")
  endif()
  message(STATUS "${output}")
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)

# What a package has to have, wherever the machine's conventions put it.
set(pages "")
if(MAN_PAGES)
  set(pages man1/rlnas_train.1.gz man1/rlnas_search.1.gz)
endif()
foreach(file ${pages} bin/rlnas_train bin/rlnas_search include/rlnas/rlnas.hpp include/rlnas/kernels.hpp
             include/rlnas/network.hpp include/rlnas/search.hpp include/rlnas/rlnas.h librlnas.so.0 pkgconfig/rlnas.pc rlnas-config.cmake
             bash-completion/completions/rlnas_train bash-completion/completions/rlnas_search
             _rlnas_train _rlnas_search rlnas_train.fish rlnas_search.fish
             rlnas/spaces/schema.json doc/rlnas/copyright)
  file(GLOB_RECURSE found ${WORK}/prefix/*)
  string(REPLACE "." "\\." pattern "${file}")
  list(FILTER found INCLUDE REGEX "/${pattern}$")
  if(NOT found)
    message(FATAL_ERROR "not installed: ${file}")
  endif()
endforeach()
file(GLOB spaces RELATIVE ${SPACES} ${SPACES}/*)
foreach(space IN LISTS spaces)
  file(GLOB_RECURSE found ${WORK}/prefix/*/rlnas/spaces/${space})
  if(NOT found)
    message(FATAL_ERROR "not installed: spaces/${space}")
  endif()
endforeach()
# Pages of the programs as they are: they name the newest options too.
foreach(page IN LISTS pages)
  file(GLOB_RECURSE found ${WORK}/prefix/*.1.gz)
  list(FILTER found INCLUDE REGEX "/${page}$")
  execute_process(COMMAND gzip -dc ${found} OUTPUT_VARIABLE text RESULT_VARIABLE result)
  foreach(part ".TH RLNAS_" "EXIT STATUS" "\\-\\-completion" "\\-\\-report\\-runs")
    string(FIND "${text}" "${part}" at)
    if(NOT result EQUAL 0 OR at EQUAL -1)
      message(FATAL_ERROR "${page} has no ${part}")
    endif()
  endforeach()
endforeach()

# The examples of the page, one file each: example1.cpp, ..., example4.c, example5.py.
file(MAKE_DIRECTORY ${WORK}/docs ${WORK}/here)
execute_process(COMMAND awk "/^```(cpp|c|python)$/ { ++n; kind = substr($0, 4); sub(/python/, \"py\", kind);
                              file = \"example\" n \".\" kind; next }
                             /^```$/ { file = \"\" } file { print > file }" ${PAGE}
                WORKING_DIRECTORY ${WORK}/docs COMMAND_ERROR_IS_FATAL ANY)
file(GLOB examples ${WORK}/docs/*)
list(LENGTH examples count)
if(NOT count EQUAL 5)
  message(FATAL_ERROR "${PAGE} has ${count} examples, not 5")
endif()

run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G Ninja -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_CXX_FLAGS=${FLAGS} -DCMAKE_C_FLAGS=${FLAGS} -DDOCS=${WORK}/docs)
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/network)
run(${WORK}/build/kernels)
run(${WORK}/build/indicator ${WORK}/run)
run(${CMAKE_COMMAND} -E chdir ${WORK}/here ${WORK}/build/from_c)
foreach(example example1 example2 example3 example4)
  run(${CMAKE_COMMAND} -E chdir ${WORK}/here ${WORK}/build/${example})
endforeach()

# The same library found by pkg-config, wherever the prefix was moved to.
file(RENAME ${WORK}/prefix ${WORK}/moved)
file(GLOB_RECURSE found ${WORK}/moved/*/rlnas.pc)
cmake_path(GET found PARENT_PATH folder)
cmake_path(GET folder PARENT_PATH libraries)
if(PKG_CONFIG)
  run(sh -c "cc ${SOURCE}/from_c.c ${FLAGS} -o ${WORK}/by-pkg-config $(PKG_CONFIG_PATH='${folder}' '${PKG_CONFIG}' --cflags --libs rlnas)")
  run(${CMAKE_COMMAND} -E chdir ${WORK}/here ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${libraries} ${WORK}/by-pkg-config)
endif()

# Python, where it has NumPy.
if(PYTHON)
  run(${CMAKE_COMMAND} -E env PYTHONPATH=${SOURCE}/../../python RLNAS_LIBRARY=${libraries}/librlnas.so PYTHONDONTWRITEBYTECODE=1
      ${CMAKE_COMMAND} -E chdir ${WORK}/here ${PYTHON} ${WORK}/docs/example5.py)
endif()
