// A report as one HTML page that needs nothing else: style sheet, script and drawings are in it.
#pragma once

#include <string>
#include <vector>

#include "search/report/figure.h"

namespace rlnas {

struct ReportSection {
  std::string id;     // of the element
  std::string title;  // text
  std::vector<Figure> figures;
};

struct ReportPage {
  std::string title;                    // text
  std::string subtitle;                 // text
  std::string head;                     // HTML
  std::vector<ReportSection> sections;  // those without figures are left out
  // What is shown of an architecture that is pointed at.
  struct Architectures {
    std::vector<std::string> columns;
    struct Row {
      std::string text;
      std::vector<std::string> values;  // of the columns
    };
    std::vector<Row> rows;
  } architectures;
  std::string footer;  // text
};

std::string page_html(const ReportPage& page);

// A text that a click copies.
std::string copied_text(const std::string& text);

// A list of names and values, both text, of which some are copied by a click.
class FactList {
 public:
  void add(const std::string& name, const std::string& value) { add_html(name, escaped_value(value)); }
  void add_copied(const std::string& name, const std::string& value) { add_html(name, copied_text(value)); }
  std::string html() const { return "<dl class=\"facts\">" + items_ + "</dl>"; }

 private:
  static std::string escaped_value(const std::string& value);
  void add_html(const std::string& name, const std::string& value);

  std::string items_;
};

}  // namespace rlnas
