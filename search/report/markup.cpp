#include "search/report/markup.h"

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

std::string number_text(double value, int digits) {
  if (std::isnan(value)) return "n/a";
  if (std::isinf(value)) return value < 0.0 ? "\u2212\u221e" : "\u221e";
  char text[64];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  std::string result = text;
  if (result.starts_with('-')) result.replace(0, 1, "\u2212");
  return result == "\u22120" ? "0" : result;
}

std::string count_text(std::int64_t count) {
  std::string digits = std::to_string(count < 0 ? -count : count);
  for (int at = int(digits.size()) - 3; at > 0; at -= 3) digits.insert(std::size_t(at), ",");
  return count < 0 ? "\u2212" + digits : digits;
}

std::string count_text(std::int64_t count, const std::string& noun) {
  return count_text(count) + ' ' + noun + (count == 1 ? "" : "s");
}

}  // namespace rlnas
