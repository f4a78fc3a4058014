#include "search/checkpoint.h"

#include <algorithm>
#include <cmath>

namespace rlnas {

void append_tensors(TensorFile& file, const SegmentTable& table, const std::vector<float>& values,
                    const std::string& prefix) {
  for (const Segment& segment : table) {
    const auto first = values.begin() + segment.offset;
    file.tensors.push_back({prefix + segment.name, segment.shape, {first, first + segment.count}});
  }
}

void append_tensors(TensorFile& file, const FlatBuffer& buffer, const std::string& prefix) {
  append_tensors(file, buffer.table(), buffer.download(), prefix);
}

TensorFile model_tensors(const FlatBuffer& weights, const FlatBuffer& statistics) {
  TensorFile file;
  append_tensors(file, weights, "");
  append_tensors(file, statistics, "");
  return file;
}

bool all_finite(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
}

std::vector<float> read_tensors(const TensorFile& file, const std::string& path, const SegmentTable& table,
                                const std::string& prefix) {
  std::vector<float> values(std::size_t(table.buffer_count()), 0.0f);
  for (const Segment& segment : table) {
    const NamedTensor* tensor = file.find(prefix + segment.name);
    RLNAS_CHECK(tensor != nullptr, data, path, ": not a checkpoint of this network: tensor '",
                prefix + segment.name, "' is missing");
    RLNAS_CHECK(tensor->shape == segment.shape, data, path, ": not a checkpoint of this network: tensor '",
                prefix + segment.name, "' has another shape");
    std::copy(tensor->data.begin(), tensor->data.end(), values.begin() + segment.offset);
  }
  return values;
}

void load_tensors(const TensorFile& file, const std::string& path, FlatBuffer& buffer,
                  const std::string& prefix) {
  buffer.upload(read_tensors(file, path, buffer.table(), prefix));
}

}  // namespace rlnas
