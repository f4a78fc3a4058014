// How a file describes a kind of cells: its inputs, nodes and edges, and how they join.
#pragma once

#include <string>

#include "search/space_file/read_choice.h"

namespace rlnas::space_file {

// Errors: usage, naming line and field.
Cell read_cell(const std::string& name, const Field& field, ReadChoice& choices);

// Refuses a cell that cannot halve the image by the edges from its inputs. where: what asks for that.
void check_halves(const Cell& cell, const Field& where);

}  // namespace rlnas::space_file
