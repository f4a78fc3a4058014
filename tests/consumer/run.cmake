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
foreach(file ${pages} bin/rlnas_train bin/rlnas_search include/rlnas/rlnas.hpp librlnas.so.0 rlnas-config.cmake
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

run(${CMAKE_COMMAND} -S ${SOURCE} -B ${WORK}/build -G Ninja -DCMAKE_PREFIX_PATH=${WORK}/prefix
    -DCMAKE_CXX_FLAGS=${FLAGS})
run(${CMAKE_COMMAND} --build ${WORK}/build)
run(${WORK}/build/consumer ${WORK}/run)
