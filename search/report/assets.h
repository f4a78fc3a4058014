// The page's style sheet and script: report.css and report.js, compiled in (search/CMakeLists.txt).
#pragma once

namespace rlnas {

extern const char* const kReportCss;
extern const char* const kReportJs;

}  // namespace rlnas
