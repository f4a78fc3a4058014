#include "engine/tf_records.h"

#include <cstdint>

#include "engine/crc32c.h"

namespace rlnas {
namespace {

constexpr std::size_t kLengthBytes = 8, kChecksumBytes = 4, kHeadBytes = kLengthBytes + kChecksumBytes;

template <class Bits>
std::string little_endian(Bits bits) {
  std::string bytes;
  for (unsigned shift = 0; shift < 8 * sizeof bits; shift += 8) bytes += char(bits >> shift & 0xff);
  return bytes;
}

// Masked, so that the checksum of bytes that hold their own checksum is no constant.
std::string checksum(std::string_view bytes) {
  const std::uint32_t crc = crc32c_of(bytes);
  return little_endian(((crc >> 15) | (crc << 17)) + 0xa282ead8u);
}

}  // namespace

std::string tf_record(std::string_view bytes) {
  const std::string length = little_endian(std::uint64_t{bytes.size()});
  return length + checksum(length) + std::string(bytes) + checksum(bytes);
}

std::optional<std::string_view> TfRecords::next() {
  const std::string_view rest = text_.substr(at_);
  if (rest.size() < kHeadBytes ||
      rest.substr(kLengthBytes, kChecksumBytes) != checksum(rest.substr(0, kLengthBytes)))
    return {};
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    length |= std::uint64_t{static_cast<unsigned char>(rest[i])} << (8 * i);
  if (length > rest.size() - kHeadBytes || rest.size() - kHeadBytes - length < kChecksumBytes) return {};
  const std::string_view bytes = rest.substr(kHeadBytes, length);
  if (rest.substr(kHeadBytes + length, kChecksumBytes) != checksum(bytes)) return {};
  at_ += kHeadBytes + length + kChecksumBytes;
  return bytes;
}

}  // namespace rlnas
