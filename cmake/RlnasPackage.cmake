# What cpack -G DEB makes of the preset "package": a package for Debian 12 (docs/embedding.md).
set(RLNAS_PACKAGE_CONTACT "the rlnas authors <rlnas@localhost>" CACHE STRING
    "Maintainer of a package, NAME <ADDRESS>: of whoever distributes it")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "${RLNAS_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "neural architecture search with random labels")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"rlnas trains a weight-sharing SuperNet on images, with labels drawn at random,
and finds the architecture whose weights turned furthest (RLNAS, CVPR 2021).
It has the programs rlnas_train and rlnas_search, and librlnas for C++.
This build needs a processor with AVX2, and uses no GPU.")
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)

# The loader has to know of librlnas, and dpkg-shlibdeps which package has it.
file(WRITE ${PROJECT_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")
file(WRITE ${PROJECT_BINARY_DIR}/debian/shlibs "librlnas ${PROJECT_VERSION_MAJOR} rlnas (>= ${PROJECT_VERSION})\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/triggers ${PROJECT_BINARY_DIR}/debian/shlibs)

# One file with all licences, also of headers that are compiled in (as Debian has them), where Debian looks for it.
set(RLNAS_COPYRIGHT ${PROJECT_BINARY_DIR}/debian/copyright)
file(READ ${PROJECT_SOURCE_DIR}/LICENSE licence)
file(WRITE ${RLNAS_COPYRIGHT} "rlnas is distributed under this licence:\n\n${licence}")
set(others ${PROJECT_SOURCE_DIR}/search/nasbench201/truth.LICENSE.md)
foreach(package libcli11-dev nlohmann-json3-dev libeigen3-dev)
  list(APPEND others /usr/share/doc/${package}/copyright)
endforeach()
foreach(other IN LISTS others)
  if(EXISTS ${other})
    file(READ ${other} licence)
    file(APPEND ${RLNAS_COPYRIGHT} "\n----\n\nThe programs and the library also have in them:\n\n${licence}")
  endif()
endforeach()
install(FILES ${RLNAS_COPYRIGHT} DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Debian's changelog, which says of what commit a package is.
if(RLNAS_GZIP)
  execute_process(COMMAND git log -1 "--format=  * Commit %h.%n%n -- ${RLNAS_PACKAGE_CONTACT}  %aD"
                  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE commit ERROR_QUIET)
  file(WRITE ${PROJECT_BINARY_DIR}/debian/changelog
       "rlnas (${PROJECT_VERSION}) unstable; urgency=medium\n\n${commit}")
  execute_process(COMMAND ${RLNAS_GZIP} -9nf ${PROJECT_BINARY_DIR}/debian/changelog)
  install(FILES ${PROJECT_BINARY_DIR}/debian/changelog.gz DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()

include(CPack)
