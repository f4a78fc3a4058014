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

// libjpeg reports errors by not returning; longjmp leads back into read_header and read_pixels, whose frames
// and callees hold nothing that needs a destructor: everything lives in this object.
struct JpegReader {
  jpeg_error_mgr errors{};  // must stay first: libjpeg hands back a pointer to it
  std::jmp_buf jump{};
  char message[JMSG_LENGTH_MAX] = "";
  jpeg_decompress_struct info{};
  jpeg_progress_mgr progress{};
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

// Each scan of a progressive image costs a pass over all of it, and need not have more than a few bytes. The
// limit of libjpeg-turbo's own fuzzers; encoders write about ten.
void limit_scans(j_common_ptr info) {
  constexpr int kMostScans = 500;
  if (reinterpret_cast<jpeg_decompress_struct*>(info)->input_scan_number <= kMostScans) return;
  auto* reader = reinterpret_cast<JpegReader*>(info->err);
  std::snprintf(reader->message, sizeof reader->message, "more than %d scans", kMostScans);
  std::longjmp(reader->jump, 1);
}

// Inks are inverted, as Adobe writes them; PIL takes all files for Adobe's.
void cmyk_to_rgb(const std::uint8_t* cmyk, int width, std::uint8_t* rgb) {
  for (int x = 0; x < width; ++x) {
    for (int c = 0; c < 3; ++c) {
      rgb[3 * x + c] = std::uint8_t((cmyk[4 * x + c] * cmyk[4 * x + 3] + 127) / 255);
    }
  }
}

// Both return false when libjpeg gave up; reader.message then says why.
bool read_header(JpegReader& reader, ImageBytes file) {
  if (setjmp(reader.jump) != 0) return false;
  jpeg_create_decompress(&reader.info);
  jpeg_mem_src(&reader.info, file.data(), static_cast<unsigned long>(file.size()));
  reader.progress.progress_monitor = limit_scans;
  reader.info.progress = &reader.progress;
  jpeg_read_header(&reader.info, TRUE);
  return true;
}

// The columns around the box that are decoded with it. libjpeg cuts between MCUs, and next to a cut its
// smooth enlargement of the colours lacks a neighbour: one MCU more on either side keeps that out of the box.
void cut_columns(jpeg_decompress_struct& info, const PixelBox& box, JDIMENSION& left) {
  const JDIMENSION margin = JDIMENSION(info.max_h_samp_factor * info.min_DCT_scaled_size);
  const JDIMENSION begin = JDIMENSION(box.left), end = begin + JDIMENSION(box.width);
  left = begin > margin ? begin - margin : 0;
  JDIMENSION width = std::min(info.output_width, end + margin) - left;
  if (width == info.output_width) return;
  jpeg_crop_scanline(&info, &left, &width);
}

bool read_pixels(JpegReader& reader, bool ends_well, int reduction, const PixelBox& box, RgbImage& image) {
  if (setjmp(reader.jump) != 0) return false;
  jpeg_decompress_struct& info = reader.info;
  const bool four_inks = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = four_inks ? JCS_CMYK : JCS_RGB;
  info.scale_num = 1;
  info.scale_denom = unsigned(reduction);
  jpeg_start_decompress(&info);
  JDIMENSION left = 0;
  cut_columns(info, box, left);
  const std::size_t row_bytes = std::size_t(box.width) * 3, channels = four_inks ? 4 : 3;
  const std::size_t skipped_bytes = (std::size_t(box.left) - left) * channels;
  reader.row.resize(std::size_t(info.output_width) * channels);
  if (box.top > 0) jpeg_skip_scanlines(&info, JDIMENSION(box.top));
  const JDIMENSION bottom = JDIMENSION(box.top + box.height);
  for (std::uint8_t* target = image.pixels.data(); info.output_scanline < bottom; target += row_bytes) {
    JSAMPROW line = reader.row.data();
    jpeg_read_scanlines(&info, &line, 1);
    if (four_inks)
      cmyk_to_rgb(line + skipped_bytes, box.width, target);
    else
      std::copy_n(line + skipped_bytes, row_bytes, target);
  }
  // A file that ends with the end marker was not cut short; of another the rest has to be looked at.
  if (ends_well && bottom < info.output_height) return true;
  // (Told to skip everything, libjpeg would believe that it is there.)
  if (bottom + 1 < info.output_height) jpeg_skip_scanlines(&info, info.output_height - bottom - 1);
  while (info.output_scanline < info.output_height) {
    JSAMPROW line = reader.row.data();
    jpeg_read_scanlines(&info, &line, 1);
  }
  jpeg_finish_decompress(&info);
  return true;
}

void open(JpegReader& reader, ImageBytes file) {
  reader.info.err = jpeg_std_error(&reader.errors);
  reader.errors.error_exit = stop;
  reader.errors.emit_message = handle_message;
  RLNAS_CHECK(read_header(reader, file), data, "bad JPEG: ", reader.message);
}

}  // namespace

ImageSize read_jpeg_size(ImageBytes file) {
  JpegReader reader;
  open(reader, file);
  return {int(reader.info.image_height), int(reader.info.image_width)};
}

void decode_jpeg(ImageBytes file, int reduction, const PixelBox& box, RgbImage& image) {
  JpegReader reader;
  open(reader, file);
  // Memory is taken for what the file can hold, not for what it announces: Huffman codes have a bit for each
  // block of 8x8 at least. (Arithmetic ones could do with less; nobody writes them.)
  constexpr std::uint64_t kMostPixelsPerByte = 512;
  const std::uint64_t pixels = std::uint64_t(reader.info.image_height) * reader.info.image_width;
  RLNAS_CHECK(pixels <= kMostPixelsPerByte * file.size(), data, "bad JPEG: the file is truncated");
  image.height = box.height;
  image.width = box.width;
  image.pixels.resize(std::size_t(box.height) * std::size_t(box.width) * 3);
  const bool ends_well = file.size() > 2 && file[file.size() - 2] == 0xff && file.back() == JPEG_EOI;
  RLNAS_CHECK(read_pixels(reader, ends_well, reduction, box, image), data, "bad JPEG: ", reader.message);
}

}  // namespace rlnas
