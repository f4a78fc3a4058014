#include "apps/completion.h"

#include <algorithm>
#include <vector>

#include "kernels/check.h"

namespace rlnas {
namespace {

struct Entry {
  std::string flag;         // without the dashes
  std::string help;         // its first clause
  std::string values = {};  // "random true"; empty: none are known
  bool takes_value = false, takes_files = false;
};

std::string first_clause(const std::string& help) {
  return help.substr(0, std::min(help.find_first_of(";:("), help.find(". ")));
}

std::vector<Entry> entries_of(const CLI::App& app) {
  std::vector<Entry> entries;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    const std::string type = option->get_type_name();
    Entry entry{.flag = option->get_lnames().front(),
                .help = first_clause(option->get_description()),
                .takes_value = option->get_expected_max() > 0,
                .takes_files = type == "FILE" || type == "DIR" || type == "TABLE"};
    if (type.find('|') != std::string::npos) {
      entry.values = type;
      std::ranges::replace(entry.values, '|', ' ');
    } else if (type == "BOOLEAN") {
      entry.values = "true false";
    }
    entries.push_back(entry);
  }
  return entries;
}

std::string bash_script(const std::vector<Entry>& entries, const std::string& program) {
  std::string flags, cases;
  for (const Entry& entry : entries) {
    flags += (flags.empty() ? "--" : " --") + entry.flag;
    if (!entry.values.empty())
      cases += "    --" + entry.flag + ") COMPREPLY=($(compgen -W \"" + entry.values +
               "\" -- \"$word\")); return ;;\n";
    else if (entry.takes_value)
      cases += "    --" + entry.flag + ") COMPREPLY=(" +
               (entry.takes_files ? "$(compgen -f -- \"$word\")" : "") + "); return ;;\n";
  }
  const std::string function = "_" + program;
  return "# bash completion of " + program + "\n" + function +
         "() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  case $before in\n" +
         cases + "  esac\n  COMPREPLY=($(compgen -W \"" + flags + "\" -- \"$word\"))\n}\n" +
         "complete -o filenames -F " + function + " " + program + "\n";
}

// In single quotes, where nothing but the quote itself is special.
std::string single_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string zsh_script(const std::vector<Entry>& entries, const std::string& program) {
  std::string script = "#compdef " + program + "\n_arguments";
  for (const Entry& entry : entries) {
    std::string help = entry.help;
    for (const char special : {'[', ']', ':'}) std::ranges::replace(help, special, ' ');
    std::string spec = "--" + entry.flag + (entry.takes_value ? "=" : "") + "[" + help + "]";
    if (!entry.values.empty())
      spec += ":value:(" + entry.values + ")";
    else if (entry.takes_value)
      spec += entry.takes_files ? ":file:_files" : ":value: ";
    script += " \\\n  " + single_quoted(spec);
  }
  return script + "\n";
}

std::string fish_script(const std::vector<Entry>& entries, const std::string& program) {
  std::string script = "# fish completion of " + program + "\n";
  for (const Entry& entry : entries) {
    script += "complete -c " + program + " -l " + entry.flag + " -d " + single_quoted(entry.help);
    if (!entry.values.empty())
      script += " -x -a " + single_quoted(entry.values);
    else if (entry.takes_value)
      script += entry.takes_files ? " -r" : " -x";
    script += "\n";
  }
  return script;
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& program, const std::string& shell) {
  const std::vector<Entry> entries = entries_of(app);
  if (shell == "bash") return bash_script(entries, program);
  if (shell == "zsh") return zsh_script(entries, program);
  if (shell == "fish") return fish_script(entries, program);
  fail(ErrorCode::usage, "--completion: '", shell, "' is not one of bash, zsh, fish");
}

}  // namespace rlnas
