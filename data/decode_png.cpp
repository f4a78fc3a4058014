#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>

#include "data/image_codec.h"
#include "kernels/check.h"

namespace rlnas {
namespace {

// As in decode_jpeg.cpp: libpng leaves by longjmp, so everything with a destructor lives here.
struct PngReader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<const std::uint8_t> rest;
  std::uint64_t file_bytes = 0;
  char message[128] = "out of memory";
  RgbImage image;
  std::vector<png_bytep> rows;

  PngReader() = default;
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void stop(png_structp png, png_const_charp message) {
  auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
  std::snprintf(reader->message, sizeof reader->message, "%s", message);
  png_longjmp(png, 1);
}

void ignore_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep target, png_size_t count) {
  auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader->rest.size()) png_error(png, "the file is truncated");
  std::memcpy(target, reader->rest.data(), count);
  reader->rest = reader->rest.subspan(count);
}

// False when libpng gave up; reader.message then says why.
bool read_pixels(PngReader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_set_read_fn(reader.png, &reader, read_bytes);
  // Notes, profiles and colour curves are passed over: they do not change pixels, and can unpack to anything.
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(reader.png, reader.info);
  const std::uint64_t height = png_get_image_height(reader.png, reader.info);
  const std::uint64_t width = png_get_image_width(reader.png, reader.info);
  if (height * width > kMaxPixels) png_error(reader.png, "too many pixels");
  // Memory is taken for what the file can hold, not for what it announces: deflate shrinks to 1/1032 at best.
  constexpr std::uint64_t kLeastShare = 1032;
  if (height * png_get_rowbytes(reader.png, reader.info) > kLeastShare * reader.file_bytes)
    png_error(reader.png, "the file is truncated");
  png_set_expand(reader.png);
  png_set_strip_16(reader.png);
  png_set_gray_to_rgb(reader.png);
  png_set_strip_alpha(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  const std::size_t row_bytes = width * 3;
  if (png_get_rowbytes(reader.png, reader.info) != row_bytes) png_error(reader.png, "unknown pixel layout");
  reader.image.height = int(height);
  reader.image.width = int(width);
  reader.image.pixels.resize(height * row_bytes);
  reader.rows.resize(height);
  for (std::size_t y = 0; y < height; ++y) reader.rows[y] = reader.image.pixels.data() + y * row_bytes;
  png_read_image(reader.png, reader.rows.data());
  png_read_end(reader.png, nullptr);
  return true;
}

}  // namespace

ImageSize read_png_size(ImageBytes file) {
  // The signature, then the chunk IHDR: length, name, width, height; libpng checks all of it when it decodes.
  constexpr std::size_t kWidth = 16, kHeight = 20;
  RLNAS_CHECK(file.size() >= kHeight + 4, data, "bad PNG: the file is truncated");
  const auto number_at = [&](std::size_t place) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) number = number << 8 | file[place + i];
    return number;
  };
  const std::uint32_t height = number_at(kHeight), width = number_at(kWidth);
  RLNAS_CHECK(std::memcmp(file.data() + 12, "IHDR", 4) == 0 && height > 0 && width > 0 && height < 1u << 31 &&
                  width < 1u << 31,
              data, "bad PNG: damaged header");
  return {int(height), int(width)};
}

RgbImage decode_png(ImageBytes file) {
  PngReader reader;
  reader.rest = file;
  reader.file_bytes = file.size();
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, stop, ignore_warning);
  if (reader.png != nullptr) reader.info = png_create_info_struct(reader.png);
  RLNAS_CHECK(reader.info != nullptr && read_pixels(reader), data, "bad PNG: ", reader.message);
  return std::move(reader.image);
}

}  // namespace rlnas
