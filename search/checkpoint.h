// Checkpoints of a SuperNet: flat buffers to named tensors and back.
//
// init/latest/epoch_N.safetensors hold what a published state dict holds (weights, and running statistics
// under the same prefixes). resume.safetensors adds "momentum.NAME" tensors and, as metadata, the step and
// flags a bit-equal continuation needs.
#pragma once

#include <string>

#include "engine/parameters.h"
#include "engine/safetensors.h"

namespace rlnas {

// Weights and statistics under their published names.
TensorFile model_tensors(const FlatBuffer& weights, const FlatBuffer& statistics);

// Appends the tensors of `buffer`, or of what was downloaded from one with this table; each name with
// `prefix` in front.
void append_tensors(TensorFile& file, const SegmentTable& table, const std::vector<float>& values,
                    const std::string& prefix);
void append_tensors(TensorFile& file, const FlatBuffer& buffer, const std::string& prefix);

bool all_finite(const std::vector<float>& values);

// The tensors of `table`, with `prefix` in front of their names, in one flat buffer. Errors: data, naming
// `path`, when one is missing or has another shape.
std::vector<float> read_tensors(const TensorFile& file, const std::string& path, const SegmentTable& table,
                                const std::string& prefix);
// Fills `buffer` with them. Errors: likewise.
void load_tensors(const TensorFile& file, const std::string& path, FlatBuffer& buffer,
                  const std::string& prefix);

}  // namespace rlnas
