// Configuration files of the apps: one `option-name = value` a line, as in TOML without sections. Values are
// bare words and numbers, "quoted strings" with \" and \\, or [lists, of, them]; # starts a comment.
// Own reader, because CLI11's cuts quoted values at '#' and ',' and reports no line numbers.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace rlnas {

class FlatConfig : public CLI::Config {
 public:
  // Every option that is set or has a default, in the order of the help text.
  std::string to_config(const CLI::App* app, bool default_also, bool write_description,
                        std::string prefix) const override;
  // Errors: usage, naming the line.
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;
};

}  // namespace rlnas
