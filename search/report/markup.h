// Text of an HTML page: escaping, and numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rlnas {

// As the content of an element or of a quoted attribute, in HTML and SVG. Control characters, which neither
// may hold, become U+FFFD.
std::string escaped(std::string_view text);

// JSON as the content of a <script> element, which "</" would end.
std::string script_safe(std::string json);

// In pixels: one decimal, none where it is zero.
std::string pixels(double value);

// Four significant digits unless told otherwise; "n/a" for NaN, a sign and the lemniscate for infinity.
std::string number_text(double value, int digits = 4);
// Likewise with so many decimals.
std::string fixed_text(double value, int decimals);
// "15,625"
std::string count_text(std::int64_t count);
// "1 epoch", "15,625 epochs"
std::string count_text(std::int64_t count, const std::string& noun);

// Of UTF-8.
std::size_t characters(std::string_view utf8);

}  // namespace rlnas
