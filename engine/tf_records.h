// TensorFlow's record files: a length, its checksum, the bytes, their checksum, one record after another.
// Source: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace rlnas {

// The record as it stands in a file.
std::string tf_record(std::string_view bytes);

// The records of a file's text, until its end or the first that is cut short or damaged.
class TfRecords {
 public:
  explicit TfRecords(std::string_view text) : text_(text) {}
  std::optional<std::string_view> next();
  std::size_t read() const { return at_; }  // bytes of the records given out

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace rlnas
