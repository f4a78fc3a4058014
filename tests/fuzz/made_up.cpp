#include "tests/fuzz/made_up.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <iterator>

namespace rlnas::fuzz {
namespace {

constexpr std::size_t kLargest = 1 << 14;

// Numbers that sums and products of sizes go wrong at.
constexpr std::uint64_t kNumbers[] = {0,      1,          2,          3,          7,          8,
                                      127,    128,        255,        256,        0x7fff,     0x8000,
                                      0xffff, 0x10000,    0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
                                      ~0ull,  ~0ull >> 1, 1ull << 63, 65535 * 3,  0x20000001};
constexpr const char* kTexts[] = {"0",          "-1",   "1e999", "nan",     "99999999999999999999",
                                  "2147483648", "null", "true",  "[[]",     "{",
                                  "}",          "\"",   ",",     "\\u0000", "",
                                  "\n",         "\r",   ":",     "..",      "/",
                                  "%n"};

class Maker {
 public:
  Maker(RandomStream& random, std::span<const std::string> kept, std::string text)
      : random_(random), kept_(kept), text_(std::move(text)) {}

  void change() {
    switch (random_.below(10)) {
      case 0:
        if (!text_.empty()) text_[place()] ^= char(1 << random_.below(8));
        break;
      case 1:
        if (!text_.empty()) text_[place()] = char(random_.below(256));
        break;
      case 2:
        text_.insert(place(), size_up_to(16), char(random_.below(256)));
        break;
      case 3:
        text_.erase(place(), size_up_to(text_.size()));
        break;
      case 4:  // a part comes twice
        text_.insert(place(), text_.substr(place(), size_up_to(64)));
        break;
      case 5: {  // a part of another
        const std::string& other = kept_[random_.below(std::uint32_t(kept_.size()))];
        const std::size_t from = random_.below(std::uint32_t(other.size() + 1));
        text_.replace(place(), size_up_to(64), other.substr(from, size_up_to(256)));
        break;
      }
      case 6:
        put_number();
        break;
      case 7:
        replace_digits();
        break;
      case 8:
        move_number();
        break;
      default:
        text_.insert(place(), kTexts[random_.below(std::size(kTexts))]);
    }
    if (text_.size() > kLargest) text_.resize(kLargest);
  }
  std::string take() { return std::move(text_); }

 private:
  std::size_t place() { return random_.below(std::uint32_t(std::max<std::size_t>(1, text_.size()))); }
  // From 1 on, small ones more often.
  std::size_t size_up_to(std::size_t most) {
    const std::uint32_t half = random_.below(std::uint32_t(std::max<std::size_t>(1, most))) + 1;
    return random_.below(half) + 1;
  }
  // In 1 to 8 bytes, of either order.
  void put_number() {
    const std::size_t bytes = std::size_t{1} << random_.below(4), at = place();
    const std::uint64_t number = kNumbers[random_.below(std::size(kNumbers))];
    const bool big_endian = random_.below(2) == 0;
    for (std::size_t i = 0; i < bytes && at + i < text_.size(); ++i)
      text_[at + i] = char(number >> (8 * (big_endian ? bytes - 1 - i : i)));
  }
  // A byte a little up or down: of a small number what a check that is wrong by one lets through.
  void move_number() {
    if (text_.empty()) return;
    text_[place()] += char(random_.below(2) == 0 ? 1 + random_.below(4) : -1 - int(random_.below(4)));
  }
  // The first number in decimal behind some place.
  void replace_digits() {
    const auto is_digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
    const auto begin =
        std::find_if(text_.begin() + std::ptrdiff_t(place() % (text_.size() + 1)), text_.end(), is_digit);
    if (begin == text_.end()) return;
    const auto end = std::find_if_not(begin, text_.end(), is_digit);
    text_.replace(begin, end,
                  random_.below(2) == 0 ? kTexts[random_.below(5)]
                                        : std::to_string(kNumbers[random_.below(std::size(kNumbers))]));
  }

  RandomStream& random_;
  std::span<const std::string> kept_;
  std::string text_;
};

}  // namespace

std::string made_up(RandomStream& random, std::span<const std::string> kept) {
  Maker maker(random, kept, kept[random.below(std::uint32_t(kept.size()))]);
  const std::uint32_t changes = 1 + random.below(1 + random.below(6));
  for (std::uint32_t i = 0; i < changes; ++i) maker.change();
  return maker.take();
}

}  // namespace rlnas::fuzz
