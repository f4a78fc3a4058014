// Small things both halves of the case table use.
#pragma once

#include <sstream>
#include <string>

#include "rlnas/spec.hpp"

namespace rlnas::test {

// The parts, separated by blanks.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  ((out << parts << ' '), ...);
  return out.str();
}

inline constexpr Store kStores[] = {Store::overwrite, Store::accumulate};
inline const char* name_of(Store store) {
  return store == Store::overwrite ? "overwrite" : "accumulate";
}

}  // namespace rlnas::test
