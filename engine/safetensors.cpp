#include "engine/safetensors.h"

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>

#include "engine/atomic_file.h"
#include "engine/crc32.h"
#include "kernels/check.h"

namespace rlnas {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMetadataKey = "__metadata__";
constexpr const char* kChecksumKey = "crc32";

std::uint64_t element_count(const std::vector<std::int64_t>& shape) {
  std::uint64_t count = 1;
  for (const std::int64_t extent : shape) {
    if (extent < 0 || (extent > 0 && count > (std::uint64_t{1} << 40) / std::uint64_t(extent)))
      return ~std::uint64_t{0};
    count *= std::uint64_t(extent);
  }
  return count;
}

// Widens one stored tensor to float.
void decode(const std::string& dtype, const char* bytes, std::uint64_t count, std::vector<float>& out,
            const std::string& where) {
  out.resize(count);
  if (count == 0) return;
  if (dtype == "F32") {
    std::memcpy(out.data(), bytes, count * 4);
  } else if (dtype == "F64") {
    for (std::uint64_t i = 0; i < count; ++i) {
      double value;
      std::memcpy(&value, bytes + i * 8, 8);
      out[i] = float(value);
    }
  } else if (dtype == "I64") {
    for (std::uint64_t i = 0; i < count; ++i) {
      std::int64_t value;
      std::memcpy(&value, bytes + i * 8, 8);
      out[i] = float(value);
    }
  } else {
    fail(ErrorCode::data, where, " has element type ", dtype, "; F32, F64 and I64 are supported");
  }
}

std::uint64_t element_bytes(const std::string& dtype) {
  return dtype == "F32" ? 4 : 8;
}

}  // namespace

const NamedTensor* TensorFile::find(const std::string& name) const {
  for (const NamedTensor& tensor : tensors)
    if (tensor.name == name) return &tensor;
  return nullptr;
}

TensorFile read_safetensors(const std::string& path) {
  const std::string bytes = read_file(path);
  RLNAS_CHECK(bytes.size() >= 8, data, path, ": not a safetensors file (", bytes.size(), " bytes)");
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), 8);
  RLNAS_CHECK(header_bytes <= bytes.size() - 8, data, path,
              ": truncated or not a safetensors file (its header would end past the end of the file)");
  const char* payload = bytes.data() + 8 + header_bytes;
  const std::uint64_t payload_bytes = bytes.size() - 8 - header_bytes;

  TensorFile file;
  try {
    const Json header = Json::parse(bytes.begin() + 8, bytes.begin() + 8 + std::ptrdiff_t(header_bytes));
    RLNAS_CHECK(header.is_object(), data, path, ": its header is not a JSON object");
    for (const auto& [name, entry] : header.items()) {
      if (name == kMetadataKey) {
        file.metadata = entry.get<std::map<std::string, std::string>>();
        continue;
      }
      NamedTensor tensor{name, entry.at("shape").get<std::vector<std::int64_t>>(), {}};
      const auto dtype = entry.at("dtype").get<std::string>();
      const auto offsets = entry.at("data_offsets").get<std::array<std::uint64_t, 2>>();
      const std::uint64_t count = element_count(tensor.shape);
      RLNAS_CHECK(offsets[0] <= offsets[1] && offsets[1] <= payload_bytes, data, path,
                  ": truncated: tensor '", name, "' ends past the end of the file");
      RLNAS_CHECK(count != ~std::uint64_t{0} && offsets[1] - offsets[0] == count * element_bytes(dtype), data,
                  path, ": tensor '", name, "' has a size that does not fit its shape");
      decode(dtype, payload + offsets[0], count, tensor.data, path + ": tensor '" + name + "'");
      file.tensors.push_back(std::move(tensor));
    }
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::data, path, ": corrupt safetensors header (", error.what(), ")");
  }
  const auto checksum = file.metadata.find(kChecksumKey);
  if (checksum != file.metadata.end()) {
    RLNAS_CHECK(checksum->second == std::to_string(crc32_of(payload, payload_bytes)), data, path,
                ": corrupt: the checksum of its tensors does not match");
    file.metadata.erase(checksum);
  }
  return file;
}

void write_safetensors(const std::string& path, const TensorFile& file) {
  std::uint32_t checksum = 0;
  for (const NamedTensor& tensor : file.tensors)
    checksum = crc32_of(tensor.data.data(), tensor.data.size() * sizeof(float), checksum);

  Json header = Json::object();
  header[kMetadataKey] = file.metadata;
  header[kMetadataKey][kChecksumKey] = std::to_string(checksum);
  std::uint64_t offset = 0;
  for (const NamedTensor& tensor : file.tensors) {
    RLNAS_CHECK(element_count(tensor.shape) == tensor.data.size(), run_failed, "tensor '", tensor.name,
                "' has ", tensor.data.size(), " elements, which does not fit its shape");
    const std::uint64_t end = offset + tensor.data.size() * sizeof(float);
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');

  AtomicFile out(path);
  const std::uint64_t header_bytes = text.size();
  out.write(&header_bytes, 8);
  out.write(text);
  for (const NamedTensor& tensor : file.tensors)
    out.write(tensor.data.data(), tensor.data.size() * sizeof(float));
  out.commit();
}

}  // namespace rlnas
