// Reports in a browser: no error of the script, nothing wider than the window, no text cut off or on another,
// what is pointed at is named and what is clicked is copied.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "search/report/markup.h"
#include "search/report/report_page.h"
#include "tests/report/report_support.h"
#include "tests/support/child_process.h"
#include "tests/support/errors.h"
#include "tests/support/skip.h"

using namespace rlnas;
using test::TemporaryDirectory;

namespace {

// Goes before anything of the page.
constexpr const char* kWatch = R"(<script>
  window.failures = [];
  window.addEventListener("error", (event) => failures.push(event.message));
  window.addEventListener("unhandledrejection", (event) => failures.push(String(event.reason)));
  window.copied = [];
  Object.defineProperty(navigator, "clipboard", {value: {writeText: async (words) => { copied.push(words); }}});
</script>)";

// Tries the page within a frame of some width, whose findings it adds to the list.
constexpr const char* kTry = R"(<script>
  const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
  const tryPage = async (frame) => {
    const page = frame.contentWindow, root = page.document.documentElement;
    const all = (selector) => [...page.document.querySelectorAll(selector)];
    const found = {width: frame.clientWidth, scrolls: root.scrollWidth - root.clientWidth, figures: all("figure").length,
                   plots: all("svg.plot").length, hits: all(".hit").length, named: 0, pointed: 0, wide: [], small: 0};
    for (const figure of all("figure, .head svg"))
      if (figure.getBoundingClientRect().right > root.clientWidth + 0.5) found.wide.push(figure.id || figure.tagName);
    for (const text of all("svg text"))
      if (text.textContent && text.getBoundingClientRect().height < 8) found.small++;
    const tip = page.document.getElementById("tip");
    found.hiddenAtFirst = tip.hidden;
    // Whatever text lies outside of its drawing is cut off.
    found.cut = all("figure > svg text, .architecture svg text").filter((text) => {
      const a = text.getBoundingClientRect(), b = text.ownerSVGElement.getBoundingClientRect();
      return a.width > 0 && (a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1);
    }).map((text) => text.textContent);
    found.overlaps = [];
    for (const svg of all("svg.plot, svg.drawing")) {
      const texts = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
      for (const [i, [one, a]] of texts.entries())
        for (const [other, b] of texts.slice(i + 1))
          if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
              Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4)
            found.overlaps.push(one + " on " + other);
    }
    for (const svg of all("svg.plot")) {
      const dots = svg.querySelector(".hit[data-rows]") || svg.querySelector(".hit");
      if (!dots) continue;
      found.pointed++;
      const [, x, y] = dots.getAttribute("d").match(/(-?[\d.]+),(-?[\d.]+)/).map(Number);
      const box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
      const at = {clientX: box.left + x * scale, clientY: box.top + y * scale, bubbles: true};
      svg.dispatchEvent(new page.PointerEvent("pointermove", at));
      const name = tip.querySelector("b");
      if (!tip.hidden && (dots.dataset.rows ? name && name.textContent : tip.textContent.includes(svg.dataset.y))) found.named++;
      if (!dots.dataset.rows) continue;
      const before = page.copied.length;
      svg.dispatchEvent(new page.MouseEvent("click", at));
      await pause(0);
      if (page.copied.length !== before + 1 || page.copied.at(-1) !== name.textContent)
        page.failures.push("a click on " + svg.parentElement.id + " copied nothing");
      svg.dispatchEvent(new page.PointerEvent("pointerleave", at));
      if (!tip.hidden) page.failures.push("the tip stays");
    }
    const code = all(".copy")[0];
    if (code) {
      code.click();
      await pause(0);
      found.code = code.textContent;
      found.copied = page.copied.at(-1);
    }
    found.failures = page.failures;
    return found;
  };
  window.addEventListener("load", async () => {
    const findings = [];
    for (const frame of document.querySelectorAll("iframe")) findings.push(await tryPage(frame));
    document.getElementById("findings").textContent = "<<" + JSON.stringify(findings) + ">>";
  });
</script>)";

// One page at each of the widths; the findings in the same order.
nlohmann::json try_page(const std::string& html, const std::vector<int>& widths) {
  const TemporaryDirectory directory;
  std::string page = html;
  page.insert(page.find("<head>") + 6, kWatch);
  std::string frames;
  for (const int width : widths)
    frames += "<iframe style=\"border:0;width:" + std::to_string(width) + "px;height:800px\" srcdoc=\"" +
              escaped(page) + "\"></iframe>";
  test::write_text(directory / "try.html",
                   std::string("<!DOCTYPE html><pre id=\"findings\"></pre>") + frames + kTry);
  const test::ChildProcess browser(
      directory,
      {RLNAS_CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000",
       "--user-data-dir=" + (directory / "profile"), "--dump-dom", "file://" + (directory / "try.html")},
      {"HOME=" + directory.path()});
  const test::Outcome outcome = browser.wait();
  const std::size_t begin = outcome.out.find("&lt;&lt;["), end = outcome.out.find("]&gt;&gt;");
  if (begin == std::string::npos || end == std::string::npos)
    throw std::runtime_error("the browser ended with " + std::to_string(outcome.exit_code) + ": " +
                             outcome.err.substr(0, 2000));
  std::string json = outcome.out.substr(begin + 8, end + 1 - begin - 8);
  for (const auto& [from, to] : {std::pair{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}})
    for (std::size_t at = 0; (at = json.find(from, at)) != std::string::npos; ++at)
      json.replace(at, std::string(from).size(), to);
  return nlohmann::json::parse(json);
}

void check_findings(const std::string& html) {
  const std::vector<int> widths{1280, 768, 400};
  const nlohmann::json findings = try_page(html, widths);
  REQUIRE(findings.size() == widths.size());
  for (std::size_t i = 0; i < widths.size(); ++i) {
    const nlohmann::json& found = findings[i];
    CAPTURE(found.dump());
    CHECK(found.at("failures").empty());
    CHECK(found.at("width") == widths[i]);
    CHECK(found.at("scrolls") == 0);
    CHECK(found.at("wide").empty());
    CHECK(found.at("cut").empty());
    CHECK(found.at("small") == 0);
    CHECK(found.at("overlaps").empty());
    CHECK(found.at("figures") == test::occurrences(html, "<figure"));
    CHECK(found.at("plots") == test::occurrences(html, "<svg class=\"plot\""));
    CHECK(found.at("named") == found.at("pointed"));
    CHECK(found.at("hiddenAtFirst") == true);
    if (found.contains("code")) CHECK(found.at("code") == found.at("copied"));
  }
}

TrainingRecord made_up_training(double loss) {
  std::string events;
  for (int epoch = 0; epoch < 3; ++epoch) {
    const std::string step = std::to_string(10 * (epoch + 1));
    const std::string figures = ",\"step\":" + step + ",\"epoch\":" + std::to_string(epoch) +
                                ",\"loss\":" + std::to_string(loss - 0.1 * epoch) + ",\"learning_rate\":0.02";
    events += "{\"event\":\"step\"" + figures + "}\n{\"event\":\"epoch\"" + figures +
              ",\"accuracy\":0.1,\"angle_mean_rad\":0.2,\"angle_min_rad\":0.1,\"angle_max_rad\":0.3}\n";
  }
  return parse_training_events("x", events);
}

}  // namespace

TEST_CASE("a report of all cells, with training, truth and another run, works in a browser") {
  if (std::string(RLNAS_CHROMIUM).empty()) RLNAS_SKIP_TEST("no chromium (Debian: chromium)");
  const TemporaryDirectory directory;
  SearchConfig config;
  config.method = SearchMethod::exhaustive;
  config.truth_path = test::write_truth(directory);
  const SearchReport report = test::random_search(config);
  ReportedRun other{"a run with a rather long name, as directories have them", made_up_training(2.0),
                    record_of(test::random_search({}, 2))};
  check_findings(page_html(search_page(report, {"run", made_up_training(2.3), {}}, {other})));
}

TEST_CASE("reports of the other spaces, and of a training, work in a browser") {
  if (std::string(RLNAS_CHROMIUM).empty()) RLNAS_SKIP_TEST("no chromium (Debian: chromium)");
  for (const char* space : {"darts-cifar", "mobilenet"}) {
    SearchConfig config;
    config.space.name = space;
    config.evolution = search_defaults(space).evolution;
    check_findings(
        page_html(search_page(test::random_search(config), {"run", made_up_training(2.3), {}}, {})));
  }
  check_findings(page_html(training_page("nasbench201", "#1", {"run", made_up_training(2.3), {}}, {})));
}
