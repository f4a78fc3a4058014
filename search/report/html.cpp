#include "search/report/html.h"

#include <nlohmann/json.hpp>

#include "search/report/assets.h"
#include "search/report/markup.h"

namespace rlnas {
namespace {

std::string figure_html(const Figure& figure) {
  const char* width = figure.width == FigureWidth::third  ? "third"
                      : figure.width == FigureWidth::half ? "half"
                                                          : "full";
  return "<figure id=\"" + escaped(figure.id) + "\" class=\"" + width + "\"><h3>" + escaped(figure.title) +
         "</h3>" + figure.body + "<figcaption>" + escaped(figure.caption) + "</figcaption></figure>\n";
}

std::string data_json(const ReportPage::Architectures& architectures) {
  nlohmann::ordered_json json{{"columns", architectures.columns}, {"rows", nlohmann::ordered_json::array()}};
  for (const ReportPage::Architectures::Row& row : architectures.rows)
    json["rows"].push_back({row.text, row.values});
  return script_safe(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

std::string page_html(const ReportPage& page) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
      escaped(page.title) + "</title>\n<style>\n" + kReportCss +
      "</style>\n</head>\n<body>\n<main>\n<header><h1>" + escaped(page.title) + "</h1><p>" +
      escaped(page.subtitle) + "</p></header>\n" + page.head + '\n';
  for (const ReportSection& section : page.sections) {
    if (section.figures.empty()) continue;
    html += "<section id=\"" + escaped(section.id) + "\"><h2>" + escaped(section.title) +
            "</h2>\n<div class=\"figures\">\n";
    for (const Figure& figure : section.figures) html += figure_html(figure);
    html += "</div></section>\n";
  }
  html += "<footer>" + escaped(page.footer) +
          "</footer>\n</main>\n<div id=\"tip\" role=\"status\" hidden></div>\n"
          "<script type=\"application/json\" id=\"data\">" +
          data_json(page.architectures) + "</script>\n<script>\n" + kReportJs +
          "</script>\n</body>\n</html>\n";
  return html;
}

std::string copied_text(const std::string& text) {
  return "<code class=\"copy\" tabindex=\"0\" role=\"button\" title=\"click copies\">" + escaped(text) +
         "</code>";
}

std::string FactList::escaped_value(const std::string& value) {
  return escaped(value);
}

void FactList::add_html(const std::string& name, const std::string& value) {
  items_ += "<dt>" + escaped(name) + "</dt><dd>" + value + "</dd>";
}

}  // namespace rlnas
