// A case that cannot run here (no data set, no NumPy) says so and ends; by its line CTest counts it as
// skipped (tests/CMakeLists.txt). To be said before anything is checked: CTest looks for the line first, and
// a failure beside it would not be seen.
#pragma once

#include <iostream>

#define RLNAS_SKIP_TEST(why)                            \
  do {                                                  \
    std::cout << "rlnas-skipped: " << why << std::endl; \
    return;                                             \
  } while (false)
