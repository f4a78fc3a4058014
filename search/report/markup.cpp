#include "search/report/markup.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace rlnas {

std::string escaped(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t')
          safe += "\xef\xbf\xbd";
        else
          safe += c;
    }
  }
  return safe;
}

std::string script_safe(std::string json) {
  for (std::size_t at = 0; (at = json.find("</", at)) != std::string::npos; at += 3)
    json.insert(at + 1, "\\");
  // A comment that is opened here would be the page's.
  for (std::size_t at = 0; (at = json.find("<!--", at)) != std::string::npos;) json.replace(at, 1, "\\u003c");
  return json;
}

std::string pixels(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  std::string trimmed = text;
  if (trimmed.ends_with(".0")) trimmed.resize(trimmed.size() - 2);
  return trimmed == "-0" ? "0" : trimmed;
}

namespace {

// By a pattern of printf with a precision; a minus sign is one.
std::string printed(const char* pattern, int precision, double value) {
  if (std::isnan(value)) return "n/a";
  if (std::isinf(value)) return value < 0.0 ? "\u2212\u221e" : "\u221e";
  char text[512];  // the greatest double has 309 digits before the point
  std::snprintf(text, sizeof text, pattern, precision, value);
  const std::string digits = text;
  if (!digits.starts_with('-')) return digits;
  const bool zero = digits.find_first_not_of("-0.") == std::string::npos;
  return zero ? digits.substr(1) : "\u2212" + digits.substr(1);
}

}  // namespace

std::string number_text(double value, int digits) {
  return printed("%.*g", digits, value);
}

std::string fixed_text(double value, int decimals) {
  return printed("%.*f", decimals, value);
}

std::string count_text(std::int64_t count) {
  std::string digits = std::to_string(count < 0 ? -count : count);
  for (int at = int(digits.size()) - 3; at > 0; at -= 3) digits.insert(std::size_t(at), ",");
  return count < 0 ? "\u2212" + digits : digits;
}

std::string count_text(std::int64_t count, const std::string& noun) {
  return count_text(count) + ' ' + noun + (count == 1 ? "" : "s");
}

std::size_t characters(std::string_view utf8) {
  return std::size_t(std::ranges::count_if(utf8, [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace rlnas
