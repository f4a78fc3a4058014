// Shell completion scripts, made from the options of a program.
#pragma once

#include <CLI/CLI.hpp>

#include <string>

namespace rlnas {

// `shell`: bash, zsh or fish; `program`: as it is typed. Values are those of a type name like "random|true";
// of FILE and DIR the shell's own files. Errors: usage for another shell, naming --completion.
std::string completion_script(const CLI::App& app, const std::string& program, const std::string& shell);

}  // namespace rlnas
