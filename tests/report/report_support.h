// Searches to report on, made of nothing, and a look at whether a page is whole.
#pragma once

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include "search/search_run.h"
#include "search/spaces.h"
#include "tests/search/fake_run.h"
#include "tests/support/temporary_directory.h"

namespace rlnas::test {

// Of SuperNet weights that turned at random.
inline SearchReport random_search(SearchConfig config, std::uint64_t seed = 1) {
  return run_search(config, random_sums(supernet_segments(config.space.name, config.space.classes), seed));
}

// A table of true accuracies of all NAS-Bench-201 cells: a function of the parameters.
inline std::string write_truth(const TemporaryDirectory& directory) {
  const auto space = make_search_space({.name = "nasbench201"});
  std::ostringstream text;
  text << "index,arch,a_valid,a_test,b_test\n";
  for (int i = 0; i < space->space().benchmark_size(); ++i) {
    const Genes genes = space->space().benchmark_genes(i);
    const double millions = double(space->params(genes)) / 1e6;
    text << i << ',' << space->text(genes) << ',' << 50 + millions << ',' << 60 + 10 * millions << ','
         << 90 - millions << '\n';
  }
  write_text(directory / "truth.csv", text.str());
  return directory / "truth.csv";
}

inline int occurrences(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size()))
    ++count;
  return count;
}

// What of the page's elements is opened and not closed, or the other way round; empty: nothing. Elements of a
// page that have no end tag, and what lies within style and script, are passed over.
inline std::string unbalanced(const std::string& html) {
  std::vector<std::string> open;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at)) {
    const std::size_t end = html.find('>', at);
    if (end == std::string::npos) return "a tag that does not end";
    const std::string tag = html.substr(at + 1, end - at - 1);
    at = end + 1;
    if (tag.starts_with('!')) continue;
    const bool closes = tag.starts_with('/');
    const std::string name = tag.substr(closes ? 1 : 0, tag.find_first_of(" /", 1) - (closes ? 1 : 0));
    if (name == "meta" || tag.ends_with('/')) continue;
    if (!closes) {
      open.push_back(name);
      if (name == "style" || name == "script") at = html.find("</" + name, at);
      continue;
    }
    if (open.empty() || open.back() != name) return "</" + name + "> closes nothing";
    open.pop_back();
  }
  return open.empty() ? "" : "<" + open.back() + "> is never closed";
}

}  // namespace rlnas::test
