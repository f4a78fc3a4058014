#include <doctest/doctest.h>
#include <stdlib.h>

#include <initializer_list>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "apps/cli.h"
#include "kernels/check.h"
#include "tests/support/errors.h"
#include "tests/support/temporary_directory.h"

using namespace rlnas;
using rlnas::test::TemporaryDirectory;
using rlnas::test::write_text;
using test::contains;

namespace {

struct Options {
  std::string name = "fallback", path;
  int count = 3;
  double rate = 0.5;
  bool verbose = false;
  std::vector<std::string> list;
};

struct Outcome {
  int code = 0;
  std::string out, err;
  Options options;
};

Outcome run(
    const std::vector<std::string>& arguments, const std::function<int()>& body = [] { return 0; }) {
  std::vector<const char*> argv{"app"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  std::ostringstream out, err;
  Outcome outcome;
  Options& o = outcome.options;
  outcome.code = run_app(
      {"app", "An app.", "1.2.3"}, int(argv.size()), argv.data(), {out, err},
      [&](CLI::App& app) {
        app.add_option("--run-name", o.name, "Name");
        app.add_option("--data-path", o.path, "Path");
        app.add_option("--count", o.count, "Count");
        app.add_option("--rate", o.rate, "Rate");
        app.add_flag("--verbose", o.verbose, "Talk");
        app.add_option("--list", o.list, "Some");
      },
      body);
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

// An environment variable for the length of a scope.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~ScopedVariable() { ::unsetenv(name_); }
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  const char* name_;
};

bool is_one_line(const std::string& text) {
  return text.find('\n') == text.size() - 1;
}

}  // namespace

TEST_CASE("values come from the command line, then the file, then the environment, then the default") {
  const TemporaryDirectory directory;
  const std::string file = directory / "run.toml";
  write_text(file, "# a comment\ncount = 5\nrate = 0.25  # another\n\nverbose = true\n");
  const ScopedVariable count("RLNAS_COUNT", "7"), name("RLNAS_RUN_NAME", "from-environment");
  const Outcome all = run({"--config", file, "--rate=0.125"});
  CHECK(all.code == 0);
  CHECK(all.options.rate == 0.125);               // command line over file
  CHECK(all.options.count == 5);                  // file over environment
  CHECK(all.options.name == "from-environment");  // environment over default
  CHECK(all.options.verbose);
  CHECK(run({}).options.count == 7);
  CHECK(run({"--count", "9"}).options.count == 9);
  const ScopedVariable config("RLNAS_CONFIG", file.c_str());
  CHECK(run({}).options.rate == 0.25);
  const std::string other = directory / "other.toml";
  write_text(other, "rate = 0.75\n");
  CHECK(run({"--config=" + other}).options.rate == 0.75);
}

TEST_CASE("of an option given twice the last counts, lists keep all") {
  const Options o = run({"--count", "4", "--rate=1", "--count=5", "--verbose", "--verbose=false"}).options;
  CHECK(o.count == 5);
  CHECK(o.rate == 1.0);
  CHECK(!o.verbose);
  CHECK(run({"--list", "a", "b", "--count", "1", "--list", "c"}).options.list ==
        std::vector<std::string>{"a", "b", "c"});
}

TEST_CASE("--dump-config round-trips, odd characters included") {
  const TemporaryDirectory directory;
  const std::string odd = "a \"quoted\" #1, back\\slash = [x] |nor_conv_3x3~0|";
  const Outcome dumped = run({"--run-name", odd, "--verbose", "--rate", "1e-3", "--dump-config"},
                             [] { return 1; });  // the body must not run
  CHECK(dumped.code == 0);
  const std::string file = directory / "dump.toml";
  write_text(file, dumped.out);
  const Outcome again = run({"--config", file});
  CHECK(again.code == 0);
  CHECK(again.options.name == odd);
  CHECK(again.options.rate == 1e-3);
  CHECK(again.options.count == 3);
  CHECK(again.options.verbose);
  CHECK(run({"--config", file, "--dump-config"}).out == dumped.out);
  CHECK(contains(run({"--dump-config"}).out, "count = 3\n"));
  CHECK(contains(run({"--dump-config"}).out, "verbose = false\n"));
}

TEST_CASE("usage errors are one line and exit with 2") {
  const TemporaryDirectory directory;
  const auto error_of = [&](const std::vector<std::string>& arguments) {
    const Outcome outcome = run(arguments);
    CHECK(outcome.code == 2);
    CHECK(outcome.out.empty());
    CHECK(outcome.err.rfind("app: ", 0) == 0);
    CHECK(is_one_line(outcome.err));
    return outcome.err;
  };
  CHECK(contains(error_of({"--run-nam", "x"}), "unknown option --run-nam (did you mean --run-name?)"));
  CHECK(contains(error_of({"--cuont=4"}), "did you mean --count?"));
  CHECK(contains(error_of({"--zzzzzzzz"}), "unknown option --zzzzzzzz (see --help)"));
  CHECK(contains(error_of({"---"}), "unknown option ---"));
  CHECK(contains(error_of({"stray"}), "unexpected argument 'stray'"));
  CHECK(contains(error_of({"--count", "many"}), "--count"));
  CHECK(contains(error_of({"--count", "99999999999999"}), "--count"));
  CHECK(contains(error_of({"--count"}), "--count"));
  CHECK(contains(error_of({"--count", "many", "--tare", "1"}), "did you mean --rate?"));
  CHECK(contains(error_of({"--config", directory / "absent.toml"}), "absent.toml: cannot be read"));
  CHECK(contains(error_of({"--config"}), "--config"));
  const std::string file = directory / "bad.toml";
  const auto config_error = [&](const std::string& text) {
    write_text(file, text);
    return error_of({"--config", file});
  };
  CHECK(contains(config_error("cont = 1\n"), "unknown option 'cont' (did you mean --count?)"));
  CHECK(contains(config_error("rate = 1\ncount\n"), "line 2: expected option = value"));
  CHECK(contains(config_error("[section]\n"), "line 1: sections are not used"));
  CHECK(contains(config_error("run-name = \"open\n"), "line 1: a quoted value is not closed"));
  CHECK(contains(config_error("run-name = two words\n"), "line 1: unexpected text after the value"));
  CHECK(contains(config_error("count =\n"), "line 1: a value is missing"));
  CHECK(contains(config_error("count = many\n"), "--config"));
  CHECK(contains(config_error("dump-config = true\n"), "unknown option 'dump-config'"));
  const ScopedVariable count("RLNAS_COUNT", "many");
  CHECK(contains(error_of({}), "RLNAS_COUNT"));
}

TEST_CASE("exit codes follow the error's code, every exception is caught") {
  const auto code_of = [](const std::function<int()>& body) {
    const Outcome outcome = run({}, body);
    CHECK(is_one_line(outcome.err));
    return outcome.code;
  };
  CHECK(code_of([]() -> int { fail(ErrorCode::run_failed, "loss is NaN\nat step 3"); }) == 1);
  CHECK(code_of([]() -> int { fail(ErrorCode::usage, "x"); }) == 2);
  CHECK(code_of([]() -> int { fail(ErrorCode::data, "x"); }) == 3);
  CHECK(code_of([]() -> int { fail(ErrorCode::device, "x"); }) == 4);
  CHECK(code_of([]() -> int { throw std::bad_alloc(); }) == 4);
  CHECK(code_of([]() -> int { fail(ErrorCode::communication, "x"); }) == 5);
  CHECK(code_of([]() -> int { throw std::runtime_error("other"); }) == 1);
  CHECK(run({}, [] { return 130; }).code == 130);
}

TEST_CASE("--help and --version print and exit with 0") {
  CHECK(run({"--version"}).out == "app 1.2.3\n");
  const Outcome help = run({"--help"}, [] { return 1; });
  CHECK(help.code == 0);
  CHECK(contains(help.out, "--run-name"));
  CHECK(contains(help.out, "RLNAS_SOME_NAME"));
  CHECK(contains(help.out, "--dump-config"));
}

TEST_CASE("a boolean is switched off by --no-NAME, which other options do not have") {
  CHECK(run({"--verbose"}).options.verbose);
  CHECK(!run({"--verbose", "--no-verbose"}).options.verbose);
  CHECK(contains(run({"--no-count"}).err, "unknown option --no-count"));
}

TEST_CASE("completion scripts offer every option, and the values of those that have a list") {
  const auto script = [](const char* shell) {
    const Outcome outcome = run({"--completion", shell});
    CHECK(outcome.code == 0);
    return outcome.out;
  };
  const test::TemporaryDirectory directory;
  write_text(directory / "app.bash", script("bash"));
  // What the shell itself makes of it: "app --ra", and "app --completion ".
  const auto offered = [&](const std::string& typed, int words) {
    const std::string out = directory / "out";
    const std::string command = "bash -c '. " + (directory / "app.bash") + "; COMP_WORDS=(" + typed +
                                "); COMP_CWORD=" + std::to_string(words) +
                                "; _app; echo \"${COMPREPLY[@]}\"' > " + out;
    REQUIRE(std::system(command.c_str()) == 0);
    return test::read_text(out);
  };
  CHECK(offered("app --ra", 1) == "--rate\n");
  CHECK(offered("app --completion \"\"", 2) == "bash zsh fish\n");
  CHECK(offered("app --completion f", 2) == "fish\n");
  CHECK(contains(script("zsh"), "#compdef app"));
  CHECK(contains(script("zsh"),
                 "'--completion=[Print a completion script of this shell and exit]:value:(bash zsh fish)'"));
  CHECK(contains(script("fish"), "complete -c app -l count -d 'Count' -x\n"));
  CHECK(contains(run({"--completion", "csh"}).err, "--completion: 'csh' is not one of bash, zsh, fish"));
}
