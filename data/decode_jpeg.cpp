#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <string>

// jpeglib.h needs FILE and size_t from the headers above.
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>

#include "data/image_codec.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

// libjpeg reports errors by not returning; longjmp leads back into read_pixels, whose frame and callees hold
// nothing that needs a destructor: everything lives in this object.
struct JpegReader {
  jpeg_error_mgr errors{};  // must stay first: libjpeg hands back a pointer to it
  std::jmp_buf jump{};
  char message[JMSG_LENGTH_MAX] = "";
  jpeg_decompress_struct info{};
  RgbImage image;
  std::vector<std::uint8_t> row;

  JpegReader() = default;
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&info); }
};

[[noreturn]] void stop(j_common_ptr info) {
  auto* reader = reinterpret_cast<JpegReader*>(info->err);
  info->err->format_message(info, reader->message);
  std::longjmp(reader->jump, 1);
}

// libjpeg goes on after damage and fills up with grey; here a damaged image is a bad file.
void handle_message(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE))
    stop(info);
}

// Adobe writes CMYK inverted.
void cmyk_to_rgb(const std::uint8_t* cmyk, int width, bool inverted, std::uint8_t* rgb) {
  for (int x = 0; x < width; ++x) {
    const int black = inverted ? cmyk[4 * x + 3] : 255 - cmyk[4 * x + 3];
    for (int c = 0; c < 3; ++c) {
      const int ink = inverted ? cmyk[4 * x + c] : 255 - cmyk[4 * x + c];
      rgb[3 * x + c] = std::uint8_t((ink * black + 127) / 255);
    }
  }
}

// False when libjpeg gave up; reader.message then says why.
bool read_pixels(JpegReader& reader, std::span<const std::uint8_t> file, int wanted_size) {
  if (setjmp(reader.jump) != 0) return false;
  jpeg_decompress_struct& info = reader.info;
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, file.data(), static_cast<unsigned long>(file.size()));
  jpeg_read_header(&info, TRUE);
  if (std::uint64_t(info.image_width) * info.image_height > kMaxPixels) {
    std::snprintf(reader.message, sizeof reader.message, "more than %llu pixels",
                  static_cast<unsigned long long>(kMaxPixels));
    return false;
  }
  const bool four_inks = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = four_inks ? JCS_CMYK : JCS_RGB;
  info.scale_num = 1;
  info.scale_denom = 1;
  const unsigned shorter = std::min(info.image_width, info.image_height);
  while (info.scale_denom < 8 && shorter / (2 * info.scale_denom) >= 2 * unsigned(wanted_size)) {
    info.scale_denom *= 2;
  }
  jpeg_start_decompress(&info);
  reader.image.height = int(info.output_height);
  reader.image.width = int(info.output_width);
  const std::size_t row_bytes = std::size_t(info.output_width) * 3;
  reader.image.pixels.resize(row_bytes * info.output_height);
  reader.row.resize(std::size_t(info.output_width) * 4);
  while (info.output_scanline < info.output_height) {
    std::uint8_t* target = reader.image.pixels.data() + info.output_scanline * row_bytes;
    JSAMPROW line = four_inks ? reader.row.data() : target;
    jpeg_read_scanlines(&info, &line, 1);
    if (four_inks) cmyk_to_rgb(line, reader.image.width, info.saw_Adobe_marker != 0, target);
  }
  jpeg_finish_decompress(&info);
  return true;
}

}  // namespace

RgbImage decode_jpeg(std::span<const std::uint8_t> file, int wanted_size) {
  JpegReader reader;
  reader.info.err = jpeg_std_error(&reader.errors);
  reader.errors.error_exit = stop;
  reader.errors.emit_message = handle_message;
  RLNAS_CHECK(read_pixels(reader, file, wanted_size), data, "bad JPEG: ", reader.message);
  return std::move(reader.image);
}

}  // namespace rlnas
