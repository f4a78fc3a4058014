// A search space of somebody's own, read from a text file (docs/own_spaces.md): --space file:PATH.
#pragma once

#include <memory>
#include <string>

#include "search/space.h"

namespace rlnas::space_file {

// text: of the file; where: what errors begin with. Its name is "NAME@12345678", with the CRC-32 of what the
// file says, comments and layout aside. Errors: usage, naming line and field.
std::unique_ptr<Space> make_space(const std::string& text, const std::string& where);

}  // namespace rlnas::space_file
