// Steps that every loader ends with, so that no kind forgets one.
#pragma once

#include <cstdint>
#include <string>

#include "data/dataset.h"
#include "rlnas/error.hpp"

namespace rlnas {

// Throws data, naming the record, unless 0 <= label < classes.
void check_label(const std::string& path, std::size_t record, int label, int classes);

// Mean and standard deviation of every channel over all pixels (exact integer sums; 1 instead of a zero std).
void measure_normalisation(Dataset& dataset);

// Sets crop_padding and checksum; throws data, naming `source`, when there is no image at all.
void finish_dataset(Dataset& dataset, const std::string& source);

// "PATH: why", of an error that may have named the file already.
std::string named(const std::string& path, const Error& error);

// Planar RGB [3, pixels] -> interleaved [pixels, 3].
void interleave_channels(const std::uint8_t* planar, std::size_t pixels, std::uint8_t* interleaved);

}  // namespace rlnas
