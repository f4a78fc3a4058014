#include "apps/cli.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <new>
#include <ostream>
#include <vector>

#include "apps/completion.h"
#include "apps/flat_config.h"
#include "kernels/check.h"
#include "kernels/nearest_word.h"

namespace rlnas {
namespace {

std::string environment_name(const std::string& option) {
  std::string name = "RLNAS_" + option;
  for (char& c : name) c = c == '-' ? '_' : char(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

// " (did you mean --population?)", or nothing when no option is near.
std::string suggestion(const CLI::App& app, const std::string& name) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options())
    known.insert(known.end(), option->get_lnames().begin(), option->get_lnames().end());
  const std::string nearest = nearest_word(name, known);
  return nearest.empty() ? " (see --help)" : " (did you mean --" + nearest + "?)";
}

void check_no_extras(const CLI::App& app) {
  const std::vector<std::string> extras = app.remaining();
  if (extras.empty()) return;
  const auto is_flag = [](const std::string& text) { return text.size() > 1 && text.front() == '-'; };
  const auto flag = std::find_if(extras.begin(), extras.end(), is_flag);
  if (flag == extras.end()) fail(ErrorCode::usage, "unexpected argument '", extras.front(), "'");
  const std::string typed = flag->substr(0, flag->find('='));
  const std::size_t name = std::min(typed.find_first_not_of('-'), typed.size());
  fail(ErrorCode::usage, "unknown option ", typed, suggestion(app, typed.substr(name)));
}

// --NAME as typed (the last one counts), or the environment's, or nothing.
std::string typed_or_environment(int argc, const char* const* argv, const std::string& name) {
  const std::string flag = "--" + name, flag_with_value = flag + "=";
  for (int i = argc - 1; i > 0; --i) {
    const std::string_view argument = argv[i];
    if (argument == flag && i + 1 < argc) return argv[i + 1];
    if (argument.starts_with(flag_with_value)) return std::string(argument.substr(flag_with_value.size()));
  }
  const char* value = std::getenv(environment_name(name).c_str());
  return value == nullptr ? "" : value;
}

std::string config_path(int argc, const char* const* argv) {
  return typed_or_environment(argc, argv, "config");
}

// The file is checked before CLI11 reads it, for messages that name the file and the option.
void check_config_file(const CLI::App& app, const std::string& path) {
  if (path.empty()) return;
  std::ifstream file(path);
  std::vector<CLI::ConfigItem> items;
  RLNAS_CHECK(file.good() && file.peek() != std::ifstream::traits_type::eof(), usage, "--config ", path,
              ": cannot be read, or is empty");
  for (const CLI::ConfigItem& item : FlatConfig().from_config(file)) {
    const CLI::Option* option = app.get_option_no_throw("--" + item.name);
    RLNAS_CHECK(option != nullptr && option->get_configurable(), usage, "--config ", path,
                ": unknown option '", item.name, "'", suggestion(app, item.name));
  }
}

// Where a value that did not parse came from, when that was not the command line.
std::string origin_of(const CLI::App& app, const std::string& message, int argc, const char* const* argv) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() ||
        message.find("--" + option->get_lnames().front()) == std::string::npos)
      continue;
    const std::string flag = "--" + option->get_lnames().front();
    const bool typed = std::any_of(argv + 1, argv + argc, [&](const char* arg) {
      return std::string_view(arg) == flag || std::string_view(arg).starts_with(flag + "=");
    });
    if (typed) continue;
    if (!option->get_envname().empty() && std::getenv(option->get_envname().c_str()) != nullptr) {
      return " (from the environment variable " + option->get_envname() + ", or --config)";
    }
    return " (from --config)";
  }
  return "";
}

// What is typed, in the order that CLI11 wants: the last first. --no-NAME of a boolean is --NAME=false.
std::vector<std::string> arguments_of(const CLI::App& app, int argc, const char* const* argv) {
  constexpr std::string_view kNo = "--no-";
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string argument = argv[i];
    if (argument.starts_with(kNo) && app.get_option_no_throw(argument) == nullptr) {
      const std::string flag = "--" + argument.substr(kNo.size());
      const CLI::Option* const option = app.get_option_no_throw(flag);
      if (option != nullptr && (option->get_type_name() == "BOOLEAN" || option->get_expected_max() == 0))
        argument = flag + "=false";
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

// An option's line of --help: what it takes and its default. The environment variables are told once, below.
class HelpFormatter final : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_name(), value = option->get_default_str();
    if (option->get_type_size() == 0 || type.empty()) return "";
    const bool is_boolean = type == "BOOLEAN";
    if (is_boolean) return value == "1" ? " (on)" : "";
    return " " + type + (value.empty() || value == "[]" ? "" : " (" + value + ")");
  }
};

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

int parse_and_run(const AppInfo& info, int argc, const char* const* argv, AppStreams streams,
                  const std::function<void(CLI::App&)>& declare_options, const std::function<int()>& run) {
  CLI::App app(info.description, info.name);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast)->always_capture_default();
  app.formatter(std::make_shared<HelpFormatter>());
  app.get_help_ptr()->configurable(false);
  declare_options(app);
  for (CLI::Option* option : app.get_options()) {
    if (option->get_configurable() && !option->get_lnames().empty()) {
      option->envname(environment_name(option->get_lnames().front()));
    }
  }
  app.set_version_flag("--version", info.name + " " + info.version)->configurable(false);
  bool dump_config = false;
  app.add_flag("--dump-config", dump_config, "Print the effective configuration for --config and exit")
      ->configurable(false);
  std::string shell;
  app.add_option("--completion", shell, "Print a completion script of this shell and exit")
      ->type_name("bash|zsh|fish")
      ->configurable(false);
  CLI::Option* config_option = app.set_config("--config", config_path(argc, argv), "Read options from FILE");
  config_option->configurable(false)->type_name("FILE");
  app.config_formatter(std::make_shared<FlatConfig>());
  app.allow_extras();

  try {
    check_config_file(app, config_path(argc, argv));
    app.parse(arguments_of(app, argc, argv));
  } catch (const CLI::CallForHelp&) {
    streams.out
        << app.help()
        << "\nIn brackets: defaults. What is on or off is also --NAME=true, --NAME=false and --no-NAME; "
           "every --some-name can be given as RLNAS_SOME_NAME in the environment, or as some-name in "
           "the file of --config.\n";
    return 0;
  } catch (const CLI::CallForVersion& version) {
    streams.out << version.what() << '\n';
    return 0;
  } catch (const CLI::ParseError& error) {
    check_no_extras(app);  // an unknown flag explains more than what follows from it
    const std::string message = one_line(error.what());
    fail(ErrorCode::usage, message, origin_of(app, message, argc, argv));
  }
  check_no_extras(app);
  if (!shell.empty()) {
    streams.out << completion_script(app, info.name, shell);
    return 0;
  }
  if (dump_config) {
    streams.out << app.config_to_str(true, false);
    return 0;
  }
  return run();
}

}  // namespace

std::string peek_option(int argc, const char* const* argv, const std::string& name) {
  std::string value = typed_or_environment(argc, argv, name);
  if (!value.empty()) return value;
  std::ifstream file(config_path(argc, argv));
  if (!file.good() || file.peek() == std::ifstream::traits_type::eof()) return "";
  for (const CLI::ConfigItem& item : FlatConfig().from_config(file))
    if (item.name == name && !item.inputs.empty()) value = item.inputs.back();
  return value;
}

int run_app(const AppInfo& info, int argc, const char* const* argv, AppStreams streams,
            const std::function<void(CLI::App&)>& declare_options, const std::function<int()>& run) {
  const auto report = [&](const char* message, ErrorCode code) {
    streams.err << info.name << ": " << one_line(message) << '\n';
    return int(code);
  };
  try {
    const int code = parse_and_run(info, argc, argv, streams, declare_options, run);
    streams.out.flush();
    RLNAS_CHECK(streams.out.good(), data, "standard output cannot be written");
    return code;
  } catch (const Error& error) {
    return report(error.what(), error.code());
  } catch (const std::bad_alloc&) {
    return report("out of memory", ErrorCode::device);
  } catch (const std::exception& error) {
    return report(error.what(), ErrorCode::run_failed);
  }
}

}  // namespace rlnas
