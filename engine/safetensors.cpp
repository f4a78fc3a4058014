#include "engine/safetensors.h"

#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>

#include "engine/atomic_file.h"
#include "engine/bounded_json.h"
#include "engine/crc32.h"
#include "kernels/check.h"

namespace rlnas {

static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMetadataKey = "__metadata__";
// Entries of the metadata. "crc32" is over the bytes of all tensors. "header_crc32" is over everything before
// them, with its own digits taken as zeros; "checksums" says that both have to be there, so that a damaged
// key is not taken for a file without. Files of older versions have the first alone, those of others none.
constexpr const char* kTensorsKey = "crc32";
constexpr const char* kHeaderKey = "header_crc32";
constexpr const char* kChecksumsKey = "checksums";
constexpr const char* kChecksums = "crc32 header_crc32";
constexpr std::string_view kNoDigits = "00000000";

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
void decode(const std::string& dtype, const char* bytes, std::uint64_t count, std::vector<float>& out) {
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
  } else {
    for (std::uint64_t i = 0; i < count; ++i) {
      std::int64_t value;
      std::memcpy(&value, bytes + i * 8, 8);
      out[i] = float(value);
    }
  }
}

std::uint64_t element_bytes(const std::string& dtype, const std::string& where) {
  if (dtype == "F32") return 4;
  if (dtype == "F64" || dtype == "I64") return 8;
  fail(ErrorCode::data, where, " has element type ", dtype, "; F32, F64 and I64 are supported");
}

// Where the digits of the header's checksum stand in its text; npos: nowhere. Within a JSON string the quotes
// would be escaped, so that this is found nowhere else.
std::size_t header_digits_at(std::string_view text) {
  const std::string entry = "\"" + std::string(kHeaderKey) + "\":\"";
  const std::size_t at = text.find(entry);
  return at == std::string_view::npos ? at : at + entry.size();
}

// Of the header's length and its text, in which the digits are still zeros.
std::string header_checksum(const std::string& text) {
  const std::uint64_t length = text.size();
  std::array<char, kNoDigits.size() + 1> digits;
  std::snprintf(digits.data(), digits.size(), "%08x",
                unsigned(crc32_of(text.data(), text.size(), crc32_of(&length, sizeof(length)))));
  return digits.data();
}

void check_header(const std::string& path, std::string text, const TensorFile& file) {
  const auto has = [&](const char* key) { return file.metadata.contains(key); };
  if (!has(kChecksumsKey) && !has(kHeaderKey)) return;
  const std::size_t at = header_digits_at(text);
  bool matches = has(kTensorsKey) && has(kHeaderKey) && has(kChecksumsKey) && at != std::string::npos;
  if (matches) {
    text.replace(at, kNoDigits.size(), kNoDigits);
    matches = file.metadata.at(kHeaderKey) == header_checksum(text);
  }
  RLNAS_CHECK(matches, data, path, ": corrupt: the checksum of its header does not match");
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
  std::uint64_t used_bytes = 0;
  try {
    const Json header = parse_json<Json>(std::string_view(bytes).substr(8, header_bytes));
    RLNAS_CHECK(header.is_object(), data, path, ": its header is not a JSON object");
    if (header.contains(kMetadataKey))
      file.metadata = header[kMetadataKey].get<std::map<std::string, std::string>>();
    check_header(path, bytes.substr(8, header_bytes), file);
    for (const auto& [name, entry] : header.items()) {
      if (name == kMetadataKey) continue;
      NamedTensor tensor{name, entry.at("shape").get<std::vector<std::int64_t>>(), {}};
      const auto dtype = entry.at("dtype").get<std::string>();
      const auto offsets = entry.at("data_offsets").get<std::array<std::uint64_t, 2>>();
      const std::uint64_t count = element_count(tensor.shape);
      const std::uint64_t each = element_bytes(dtype, path + ": tensor '" + name + "'");
      RLNAS_CHECK(offsets[0] <= offsets[1] && offsets[1] <= payload_bytes, data, path,
                  ": truncated: tensor '", name, "' ends past the end of the file");
      RLNAS_CHECK(count != ~std::uint64_t{0} && offsets[1] - offsets[0] == count * each, data, path,
                  ": tensor '", name, "' has a size that does not fit its shape");
      // Tensors that share bytes would take more memory than the file has.
      used_bytes += count * each;
      RLNAS_CHECK(used_bytes <= payload_bytes, data, path, ": tensor '", name, "' overlaps another");
      decode(dtype, payload + offsets[0], count, tensor.data);
      file.tensors.push_back(std::move(tensor));
    }
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorCode::data, path, ": corrupt safetensors header (", error.what(), ")");
  }
  const auto checksum = file.metadata.find(kTensorsKey);
  RLNAS_CHECK(
      checksum == file.metadata.end() || checksum->second == std::to_string(crc32_of(payload, payload_bytes)),
      data, path, ": corrupt: the checksum of its tensors does not match");
  for (const char* key : {kTensorsKey, kHeaderKey, kChecksumsKey}) file.metadata.erase(key);
  return file;
}

void write_safetensors(const std::string& path, const TensorFile& file) {
  std::uint32_t checksum = 0;
  for (const NamedTensor& tensor : file.tensors)
    checksum = crc32_of(tensor.data.data(), tensor.data.size() * sizeof(float), checksum);

  Json header = Json::object();
  header[kMetadataKey] = file.metadata;
  header[kMetadataKey][kChecksumsKey] = kChecksums;
  header[kMetadataKey][kTensorsKey] = std::to_string(checksum);
  header[kMetadataKey][kHeaderKey] = kNoDigits;
  std::uint64_t offset = 0;
  for (const NamedTensor& tensor : file.tensors) {
    RLNAS_CHECK(element_count(tensor.shape) == tensor.data.size(), run_failed, "tensor '", tensor.name,
                "' has ", tensor.data.size(), " elements, which does not fit its shape");
    const std::uint64_t end = offset + tensor.data.size() * sizeof(float);
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  // Text that is no UTF-8, of a path for example, cannot be in JSON.
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  text.replace(header_digits_at(text), kNoDigits.size(), header_checksum(text));

  AtomicFile out(path);
  const std::uint64_t header_bytes = text.size();
  out.write(&header_bytes, 8);
  out.write(text);
  for (const NamedTensor& tensor : file.tensors)
    out.write(tensor.data.data(), tensor.data.size() * sizeof(float));
  out.commit();
}

}  // namespace rlnas
