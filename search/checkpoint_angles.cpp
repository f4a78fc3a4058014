#include "search/checkpoint_angles.h"

#include <algorithm>
#include <cstdint>
#include <sstream>
#include <string_view>
#include <unordered_set>

#include "engine/angle_tables.h"
#include "engine/safetensors.h"
#include "kernels/check.h"
#include "search/checkpoint.h"
#include "search/spaces.h"

namespace rlnas {
namespace {

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::ostringstream text;
  for (std::size_t i = 0; i < shape.size(); ++i) text << (i == 0 ? "[" : ",") << shape[i];
  text << ']';
  return text.str();
}

// Everything a checkpoint may hold beside the trained tensors.
bool is_ignored(std::string_view name) {
  return name == "arch_parameters" || name.ends_with(".running_mean") || name.ends_with(".running_var") ||
         name.ends_with(".num_batches_tracked");
}

// One checkpoint, and what an error about it begins with.
struct Checkpoint {
  const std::string& path;
  TensorFile file;
  std::string not_a_supernet;  // "PATH: not a mobilenet SuperNet: "
};

int classes_of(const Checkpoint& checkpoint) {
  const NamedTensor* classifier = nullptr;
  for (const char* name : {"classifier.weight", "classifier.0.weight"})
    if (classifier == nullptr) classifier = checkpoint.file.find(name);
  RLNAS_CHECK(classifier != nullptr, data, checkpoint.not_a_supernet, "missing tensor classifier.weight");
  RLNAS_CHECK(classifier->shape.size() == 2 && classifier->shape[0] > 0 && classifier->shape[0] <= 1000000,
              data, checkpoint.not_a_supernet, classifier->name, " has shape ",
              shape_text(classifier->shape));
  return int(classifier->shape[0]);
}

std::string not_a_supernet(const std::string& path, const std::string& space) {
  return path + ": not a " + find_space(space).info().title + " SuperNet: ";
}

// The tensors of the file as one flat buffer laid out by `segments`, zeros in between.
std::vector<float> pack(const Checkpoint& checkpoint, const SegmentTable& segments) {
  const TensorFile& file = checkpoint.file;
  std::vector<float> flat(std::size_t(segments.buffer_count()), 0.0f);
  for (const Segment& segment : segments) {
    const NamedTensor* tensor = file.find(segment.name);
    RLNAS_CHECK(tensor != nullptr, data, checkpoint.not_a_supernet, "missing tensor ", segment.name);
    RLNAS_CHECK(tensor->shape == segment.shape && std::int64_t(tensor->data.size()) == segment.count, data,
                checkpoint.not_a_supernet, "tensor ", segment.name, " has shape ", shape_text(tensor->shape),
                " instead of ", shape_text(segment.shape));
    RLNAS_CHECK(all_finite(tensor->data), data, checkpoint.path, ": tensor ", segment.name,
                " holds NaN or infinite weights");
    std::copy(tensor->data.begin(), tensor->data.end(), flat.begin() + segment.offset);
  }
  std::unordered_set<std::string_view> known;
  for (const Segment& segment : segments) known.insert(segment.name);
  for (const NamedTensor& tensor : file.tensors)
    RLNAS_CHECK(is_ignored(tensor.name) || known.contains(tensor.name), data, checkpoint.not_a_supernet,
                "unexpected tensor ", tensor.name);
  return flat;
}

// The space of a file that does not say, by a tensor that no other has.
std::string recognise(const TensorFile& file) {
  for (const Space* space : all_spaces())
    if (file.find(space->info().signature_tensor) != nullptr) return space->name();
  return default_space().name();  // whose missing tensors are then named
}

std::string space_of(const TensorFile& file, const std::string& path, const std::string& wanted) {
  const auto named = file.metadata.find("space");
  if (named == file.metadata.end()) return wanted.empty() ? recognise(file) : wanted;
  RLNAS_CHECK(is_space(named->second), data, path, ": holds a SuperNet of '", named->second,
              "', a space unknown here; name its file by --space file:PATH");
  RLNAS_CHECK(wanted.empty() || named->second == wanted, usage, "--space ", wanted, ": ", path,
              " holds a SuperNet of ", named->second);
  return named->second;
}

}  // namespace

CheckpointKind checkpoint_kind(const std::string& path, const std::string& space) {
  Checkpoint checkpoint{path, read_safetensors(path), ""};
  const std::string name = space_of(checkpoint.file, path, space);
  checkpoint.not_a_supernet = not_a_supernet(path, name);
  return {name, classes_of(checkpoint)};
}

CheckpointAngles checkpoint_angle_sums(Backend& backend, const std::string& init_path,
                                       const std::string& trained_path, const std::string& space) {
  Checkpoint init{init_path, read_safetensors(init_path), ""};
  Checkpoint trained{trained_path, read_safetensors(trained_path), ""};
  CheckpointAngles result;
  result.space = space_of(init.file, init_path, space);
  result.space = space_of(trained.file, trained_path, result.space);
  for (Checkpoint* checkpoint : {&init, &trained})
    checkpoint->not_a_supernet = not_a_supernet(checkpoint->path, result.space);
  result.classes = classes_of(init);
  const int trained_classes = classes_of(trained);
  RLNAS_CHECK(result.classes == trained_classes, data, trained_path, ": has ", trained_classes, " classes, ",
              init_path, " has ", result.classes, ": they are not of one run");
  result.segments = supernet_segments(result.space, result.classes);
  const std::vector<float> w0 = pack(init, result.segments);
  const std::vector<float> w1 = pack(trained, result.segments);
  result.sums.resize(std::size_t(result.segments.size()));

  const DeviceBytes device_w0(backend, w0.data(), w0.size() * sizeof(float));
  const DeviceBytes device_w1(backend, w1.data(), w1.size() * sizeof(float));
  const DeviceBytes device_sums(backend, result.sums.size() * sizeof(AngleSums));
  const AngleTables tables(backend, result.segments);
  TakeAngleSums call = tables.call();
  call.w0 = device_w0.as<float>();
  call.w1 = {device_w1.as<float>()};
  call.sums = device_sums.as<AngleSums>();
  const std::size_t scratch_bytes = backend.workspace_bytes(call);
  const DeviceBytes scratch(backend, scratch_bytes);
  backend.run(call, {scratch.as<void>(), scratch_bytes});
  backend.download(result.sums.data(), device_sums.as<AngleSums>(), result.sums.size() * sizeof(AngleSums));
  return result;
}

}  // namespace rlnas
