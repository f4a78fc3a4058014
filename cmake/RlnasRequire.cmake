# What may be missing on a machine, and what must not. RLNAS_REQUIRE=mpi,emulation,... makes configuring fail, in one
# line, where one of these is missing; without it a build leaves out what it cannot have and its tests are skipped.
set(RLNAS_REQUIRE "" CACHE STRING "What must be there, comma-separated: see rlnas_feature() for the names")
set_property(GLOBAL PROPERTY RLNAS_FEATURES "")
set_property(GLOBAL PROPERTY RLNAS_LACKING "")

# rlnas_feature(NAME PRESENT HINT): says whether the build has NAME (PRESENT is true); HINT: what would bring it.
function(rlnas_feature name present hint)
  set_property(GLOBAL APPEND PROPERTY RLNAS_FEATURES ${name})
  if(NOT present)
    set_property(GLOBAL APPEND PROPERTY RLNAS_LACKING ${name})
    set_property(GLOBAL PROPERTY RLNAS_HINT_${name} "${hint}")
  endif()
endfunction()

# Ends the configuration; the reason stands on a line of its own, which scripts/setup.sh shows alone.
function(rlnas_stop reason)
  message(NOTICE "error: ${reason}")
  message(FATAL_ERROR "see the line above")
endfunction()

# At the end of the configuration, when all features are known.
function(rlnas_check_required)
  get_property(features GLOBAL PROPERTY RLNAS_FEATURES)
  get_property(lacking GLOBAL PROPERTY RLNAS_LACKING)
  string(REPLACE "," ";" required "${RLNAS_REQUIRE}")
  set(missing "")
  foreach(name IN LISTS required)
    if(NOT name IN_LIST features)
      list(JOIN features ", " known)
      rlnas_stop("RLNAS_REQUIRE=${RLNAS_REQUIRE}: no such thing as '${name}' here (there are ${known})")
    endif()
    if(name IN_LIST lacking)
      get_property(hint GLOBAL PROPERTY RLNAS_HINT_${name})
      list(APPEND missing "${name} (${hint})")
    endif()
  endforeach()
  if(missing)
    list(JOIN missing ", " missing)
    rlnas_stop("RLNAS_REQUIRE=${RLNAS_REQUIRE}, but missing: ${missing}")
  endif()
endfunction()

# rlnas_skip_suite(NAME WHY): a test that counts as skipped, in the place of a suite that cannot be built here.
function(rlnas_skip_suite name why)
  message(STATUS "tests left out: ${name}: ${why}")
  add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -E echo "skipped: ${why}")
  set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "skipped:")
endfunction()
