// What somebody may have meant who wrote a word that is not known.
#pragma once

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace rlnas {

// Levenshtein distance.
inline int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = int(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row.back();
}

// The first of the nearest known words; "" where none is within two edits, or one for every three letters.
inline std::string nearest_word(std::string_view word, const std::vector<std::string>& known) {
  std::string nearest;
  int distance = std::max(2, int(word.size()) / 3) + 1;
  for (const std::string& one : known) {
    const int d = edit_distance(word, one);
    if (d >= distance) continue;
    distance = d;
    nearest = one;
  }
  return nearest;
}

// "; did you mean 'random'?" behind an error, or nothing.
inline std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::string nearest = nearest_word(word, known);
  return nearest.empty() ? "" : "; did you mean '" + nearest + "'?";
}

}  // namespace rlnas
