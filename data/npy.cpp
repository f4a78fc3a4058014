// Arrays as numpy.save writes them: magic, version, the length of a header, the header (a Python dictionary
// of type, order and shape, as text), the values. Source: numpy.lib.format, versions 1.0 to 3.0.
#include <algorithm>
#include <charconv>
#include <string_view>

#include "data/dataset_parts.h"
#include "data/file_io.h"
#include "data/loaders.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr int kMaxClasses = 65536;

struct NpyArray {
  std::string type;  // "|u1": bytes, "<i8": little-endian int64
  std::vector<std::uint64_t> shape;
  std::vector<std::uint8_t> values;

  std::size_t item_bytes() const { return std::size_t(type.back() - '0'); }
  std::string text() const {
    std::string sizes;
    for (const std::uint64_t size : shape) sizes += (sizes.empty() ? "" : ", ") + std::to_string(size);
    return "an array [" + sizes + "] of type " + type;
  }
};

std::uint64_t little_endian(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i-- > 0;) value = value << 8 | bytes[i];
  return value;
}

// What stands behind a key of the header, and all that follows.
std::string_view behind(const std::string& path, std::string_view header, std::string_view key) {
  const std::size_t at = header.find(key);
  RLNAS_CHECK(at != std::string_view::npos, data, path, ": damaged header: no ", key);
  header.remove_prefix(at + key.size());
  header.remove_prefix(std::min(header.find_first_not_of(": "), header.size()));
  return header;
}

void read_header(const std::string& path, std::string_view header, NpyArray& array) {
  const std::string_view type = behind(path, header, "'descr'"), shape = behind(path, header, "'shape'");
  const std::string_view word = type.substr(0, type.find(','));
  array.type = word.substr(std::min<std::size_t>(word.size(), 1));  // behind the quote
  if (array.type.ends_with("'")) array.type.pop_back();
  const bool integer = array.type.size() == 3 && std::string_view("|<").find(array.type[0]) < 2 &&
                       std::string_view("ui").find(array.type[1]) < 2 &&
                       std::string_view("1248").find(array.type[2]) < 4;
  RLNAS_CHECK(integer, data, path, ": values of type ", array.type, "; integers are needed (|u1 for images)");
  RLNAS_CHECK(behind(path, header, "'fortran_order'").starts_with("False"), data, path,
              ": in Fortran's order; save numpy.ascontiguousarray of it");
  const std::size_t end = shape.find(')');
  RLNAS_CHECK(shape.starts_with('(') && end != std::string_view::npos, data, path,
              ": damaged header: no shape");
  for (std::size_t at = 1; at < end; at = shape.find_first_not_of(", ", shape.find(',', at))) {
    const std::string_view size = shape.substr(at, end - at);
    const auto [stop, error] =
        std::from_chars(size.data(), size.data() + size.size(), array.shape.emplace_back());
    RLNAS_CHECK(error == std::errc(), data, path, ": damaged header: a shape of (", shape.substr(1, end));
  }
}

NpyArray read_npy(const std::string& path) {
  NpyArray array;
  array.values = read_bytes(path);
  const std::vector<std::uint8_t>& bytes = array.values;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  RLNAS_CHECK(text.starts_with(kMagic) && bytes.size() > kMagic.size() + 6, data, path,
              ": not a .npy file; numpy.save writes one");
  const std::uint8_t version = bytes[kMagic.size()];
  RLNAS_CHECK(version >= 1 && version <= 3, data, path, ": version ", int(version),
              " of the .npy format; 1 to 3 are known");
  const std::size_t length_bytes = version == 1 ? 2 : 4, header = kMagic.size() + 2 + length_bytes;
  const std::uint64_t length = little_endian(bytes.data() + header - length_bytes, length_bytes);
  RLNAS_CHECK(length <= bytes.size() - header, data, path, ": truncated: its header has ", length, " bytes");
  read_header(path, text.substr(header, length), array);

  const std::uint64_t held = bytes.size() - header - length;
  std::uint64_t wanted = array.item_bytes();
  for (const std::uint64_t size : array.shape)  // a product that overflows is no less than what is held
    wanted = size == 0 || wanted <= ~std::uint64_t{0} / size ? wanted * size : ~std::uint64_t{0};
  RLNAS_CHECK(held == wanted, data, path, ": ", held < wanted ? "truncated: " : "too long: ", held,
              " bytes of values, but its header announces ", wanted);
  array.values.erase(array.values.begin(), array.values.begin() + std::ptrdiff_t(header + length));
  return array;
}

// [N] or [N,1], whole numbers from 0 on.
std::vector<std::int32_t> read_labels(const std::string& path, std::uint64_t count) {
  const NpyArray array = read_npy(path);
  const bool vector = array.shape.size() == 1 || (array.shape.size() == 2 && array.shape[1] == 1);
  RLNAS_CHECK(vector && array.shape[0] == count, data, path, ": ", array.text(), "; labels [", count,
              "] are needed, one for each image");
  const std::size_t bytes = array.item_bytes();
  const std::uint64_t first_negative =
      array.type[1] == 'i' ? std::uint64_t{1} << (8 * bytes - 1) : kMaxClasses;
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t label = little_endian(array.values.data() + i * bytes, bytes);
    RLNAS_CHECK(label < std::min<std::uint64_t>(first_negative, kMaxClasses), data, path, ": record ", i,
                " has a label outside of 0..", kMaxClasses - 1);
    labels.push_back(std::int32_t(label));
  }
  return labels;
}

}  // namespace

Dataset load_npy(const DataSpec& spec, const LoadOptions&) {
  RLNAS_CHECK(spec.paths.size() <= 2, usage, "--data npy: ", spec.paths.size(),
              " files; one of images is needed, and one of labels where there are any");
  const std::string& path = spec.paths.front();
  NpyArray images = read_npy(path);
  const std::vector<std::uint64_t>& shape = images.shape;
  const bool square = shape.size() == 4 && shape[1] == shape[2] && shape[1] >= 8 && shape[1] <= 512;
  RLNAS_CHECK(square && shape[3] == 3 && images.type == "|u1" && shape[0] <= 0xffffffffu, data, path, ": ",
              images.text(), "; images are [N, H, W, 3] of type |u1 (uint8), square, of 8 to 512 pixels");
  Dataset dataset;
  dataset.name = "npy";
  dataset.height = dataset.width = int(shape[1]);
  dataset.images = std::move(images.values);
  dataset.labels.assign(shape[0], 0);
  if (spec.paths.size() == 2) dataset.labels = read_labels(spec.paths[1], shape[0]);
  finish_dataset(dataset, path);
  dataset.classes = 1 + *std::max_element(dataset.labels.begin(), dataset.labels.end());
  measure_normalisation(dataset);
  return dataset;
}

}  // namespace rlnas
