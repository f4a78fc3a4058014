// The wire format of protocol buffers, as far as writing ONNX and TensorBoard's files takes: a message is a
// string of fields.
// Source: https://protobuf.dev/programming-guides/encoding/
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace rlnas {

class ProtobufMessage {
 public:
  void add_int(int field, std::int64_t value) {
    add_varint(key(field, 0));
    add_varint(std::uint64_t(value));
  }
  void add_float(int field, float value) {
    add_varint(key(field, 5));
    add_fixed(std::bit_cast<std::uint32_t>(value));
  }
  void add_double(int field, double value) {
    add_varint(key(field, 1));
    add_fixed(std::bit_cast<std::uint64_t>(value));
  }
  // A string, raw bytes or another message.
  void add(int field, std::string_view bytes) {
    add_varint(key(field, 2));
    add_varint(bytes.size());
    bytes_ += bytes;
  }
  void add(int field, const ProtobufMessage& message) { add(field, message.bytes_); }

  const std::string& bytes() const { return bytes_; }

 private:
  static std::uint64_t key(int field, unsigned wire_type) { return std::uint64_t(field) << 3 | wire_type; }
  template <class Bits>
  void add_fixed(Bits bits) {
    for (unsigned shift = 0; shift < 8 * sizeof bits; shift += 8) bytes_ += char(bits >> shift & 0xff);
  }
  void add_varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += char(value | 0x80);
    bytes_ += char(value);
  }

  std::string bytes_;
};

}  // namespace rlnas
