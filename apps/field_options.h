// Options of a command line for the fields of a configuration, as search/train_fields.h and
// search/search_fields.h list them.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/words.h"

namespace rlnas {

class FieldOptions {
 public:
  // --NAME of `app`, whose default is the field's value; its group is left to the caller. The field outlives
  // the app.
  template <class Field>
  CLI::Option* add(CLI::App& app, const std::string& name, const std::string& help, Field& field) {
    const std::string flag = "--" + name;
    if constexpr (std::is_enum_v<Field>) {
      return add_choice<Field>(app, flag, help, word_of(field), [=, &field](const std::string& word) {
        field = parse_word<Field>(flag, word);
      });
    } else if constexpr (requires { field.has_value(); }) {
      using Choice = typename Field::value_type;
      return add_choice<Choice>(app, flag, help, field ? word_of(*field) : "",
                                [=, &field](const std::string& word) {
                                  if (!word.empty()) field = parse_word<Choice>(flag, word);
                                });
    } else if constexpr (std::is_same_v<Field, bool>) {  // a bare "--profile" is "--profile true"
      return app.add_flag(flag, field, help)
          ->type_name("BOOLEAN")
          ->type_size(1)
          ->expected(0, 1)
          ->default_str(field ? "1" : "0");
    } else {
      return app.add_option(flag, field, help)->capture_default_str();
    }
  }

  // Into the fields that are choices: after --help and --dump-config, which take any word. Errors: usage,
  // naming the flag.
  void parse_words() const {
    for (const std::function<void()>& parse : parse_words_) parse();
  }

 private:
  template <class Choice, class Parse>
  CLI::Option* add_choice(CLI::App& app, const std::string& flag, const std::string& help,
                          const std::string& initial, const Parse& parse) {
    const auto word = std::make_shared<std::string>(initial);
    parse_words_.push_back([=] { parse(*word); });
    return app.add_option(flag, *word, help)->type_name(words_of<Choice>("|"))->capture_default_str();
  }

  std::vector<std::function<void()>> parse_words_;
};

}  // namespace rlnas
