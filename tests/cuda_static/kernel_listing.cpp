#include "tests/cuda_static/kernel_listing.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <regex>
#include <stdexcept>

namespace rlnas::test {
namespace {

// Without the parameters.
std::string readable(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), std::free);
  if (status != 0) return symbol;
  std::string name = text.get();
  int depth = 0;  // of template arguments, which may have parentheses too
  const auto parameters = std::find_if(name.begin(), name.end(), [&](char c) {
    depth += (c == '<') - (c == '>');
    return c == '(' && depth == 0;
  });
  name.erase(parameters, name.end());
  if (name.starts_with("void ")) name = name.substr(5);
  return name;
}

std::ifstream open(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  return file;
}

}  // namespace

std::vector<PtxKernel> read_ptx(const std::string& path) {
  const std::regex entry(R"(\.entry (\w+)\()"), threads(R"(^\.maxntid (\d+))"),
      operation(R"(^\s*(?:@!?%p\d+ )?([a-z][A-Za-z0-9_.:]*)\s+[^=]*;$)");
  std::vector<PtxKernel> kernels;
  std::ifstream file = open(path);
  std::smatch found;
  for (std::string line; std::getline(file, line);) {
    if (std::regex_search(line, found, entry))
      kernels.push_back({readable(found[1]), 0, {}});
    else if (kernels.empty())
      continue;
    else if (std::regex_search(line, found, threads))
      kernels.back().max_threads = std::stoi(found[1]);
    else if (std::regex_search(line, found, operation))
      ++kernels.back().operations[found[1]];
  }
  if (kernels.empty()) throw std::runtime_error(path + ": no kernel in it");
  return kernels;
}

std::map<std::string, KernelResources> read_ptxas_log(const std::string& path) {
  const std::regex compiling(R"(Compiling entry function '(\w+)')"), registers(R"(Used (\d+) registers)"),
      shared(R"((\d+) bytes smem)");
  std::map<std::string, KernelResources> kernels;
  std::ifstream file = open(path);
  std::smatch found;
  std::string name;
  for (std::string line; std::getline(file, line);) {
    if (std::regex_search(line, found, compiling)) name = readable(found[1]);
    if (!std::regex_search(line, found, registers)) continue;
    KernelResources& kernel = kernels[name];
    kernel.registers = std::stoi(found[1]);
    if (std::regex_search(line, found, shared)) kernel.shared_bytes = std::stoi(found[1]);
  }
  return kernels;
}

}  // namespace rlnas::test
