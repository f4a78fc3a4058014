#include "tests/simulator/state.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "tests/simulator/device_memory.h"
#include "tests/simulator/device_properties.h"

namespace rlnas::simulator {
namespace {

template <class Enum>
bool named(const std::string& text, Enum last, Enum& value) {
  for (int i = 0; i <= int(last); ++i) {
    if (text != name_of(Enum(i))) continue;
    value = Enum(i);
    return true;
  }
  return false;
}

bool named(const std::string& text, Execution& value) {
  value = text == "counted" ? Execution::counted : Execution::whole;
  return text == "counted" || text == "whole";
}

bool named(const std::string& text, Presence& value) {
  if (text == "device")
    value = Presence::device;
  else if (text == "no_device")
    value = Presence::no_device;
  else if (text == "no_driver")
    value = Presence::no_driver;
  else if (text == "no_image")
    value = Presence::no_image;
  else
    return false;
  return true;
}

template <class Integer>
bool number(const std::string& text, Integer& value) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  return error == std::errc() && end == last;
}

bool apply(const std::string& key, const std::string& text, Options& options) {
  if (key == "policy") return named(text, Policy::random, options.policy);
  if (key == "execution") return named(text, options.execution);
  if (key == "presence") return named(text, options.presence);
  if (key == "seed") return number(text, options.seed);
  if (key == "device") return !(options.device = text).empty();
  if (key == "devices")
    return number(text, options.devices) && options.devices > 0 && options.devices <= kMostDevices;
  if (key == "cudnn") return number(text, options.cudnn_version);
  if (key == "memory") return number(text, options.memory_bytes);
  if (key == "drop_wait") return number(text, options.drop_wait_at);
  if (key == "drop_update") return number(text, options.drop_update_at);
  if (key == "drop_host_wait") return number(text, options.drop_host_wait_at);
  if (key != "fail") return false;
  const std::size_t colon = text.find(':');
  return colon != std::string::npos && named(text.substr(0, colon), Call::execute, options.fail_kind) &&
         number(text.substr(colon + 1), options.fail_at);
}

}  // namespace

const char* name_of(Policy policy) {
  static constexpr const char* kNames[] = {
      "eager",       "needed_only", "needed_last", "oldest_stream_first", "newest_stream_first",
      "round_robin", "random"};
  return kNames[int(policy)];
}

const char* name_of(Call call) {
  static constexpr const char* kNames[kCallKinds] = {
      "device", "allocate", "allocate_host", "copy",  "launch",     "stream", "event",
      "wait",   "graph",    "cublas",        "cudnn", "descriptor", "execute"};
  return kNames[int(call)];
}

Options parse_options(const std::string& text) {
  Options options;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos || !apply(word.substr(0, equals), word.substr(equals + 1), options))
      throw std::invalid_argument("SIMULATED_GPU: '" + word + "' is not understood");
  }
  return options;
}

State& state() {
  static State* const state = [] {  // never destroyed: objects that outlive main() still call in
    State* const made = new State;
    const char* const text = std::getenv("SIMULATED_GPU");
    made->options = parse_options(text == nullptr ? "" : text);
    made->random.seed(made->options.seed);
    return made;
  }();
  return *state;
}

int& current_device() {
  thread_local int device = 0;
  return device;
}

void reset(const Options& options) {
  const std::lock_guard lock(state().mutex);
  const Usage& used = state().usage;
  if (used.alive() != 0)
    misuse("reset while in use: " + std::to_string(used.allocations) + " device and " +
           std::to_string(used.host_allocations) + " host allocations, " + std::to_string(used.streams) +
           " streams, " + std::to_string(used.events) + " events, " + std::to_string(used.graphs) +
           " graphs, " + std::to_string(used.handles) + " library handles");
  state().options = options;
  state().usage = {};
  state().step = 0;
  state().work_log.clear();
  std::ranges::fill(state().errors, Errors{});
  current_device() = 0;
  state().random.seed(options.seed);
  device_memory().forget();
  explain_faults();
}

const Options& options() {
  return state().options;
}

std::size_t memory_bytes() {
  const std::size_t chosen = state().options.memory_bytes;
  return chosen != 0 ? chosen : device_properties().cuda().totalGlobalMem;
}

void begin_step() {
  ++state().step;
}

const Usage& usage() {
  return state().usage;
}

void misuse(const std::string& what) {
  std::fprintf(stderr, "simulated GPU: %s\n", what.c_str());
  std::abort();
}

bool fails(Call kind) {
  const std::int64_t count = ++state().usage.calls[int(kind)];
  return state().options.fail_kind == kind && state().options.fail_at == count;
}

cudaError_t report(cudaError_t error) {
  if (error != cudaSuccess) errors().last = error;
  return error;
}

cudaError_t device_status() {
  switch (state().options.presence) {
    case Presence::no_driver:
      return cudaErrorInsufficientDriver;
    case Presence::no_device:
      return cudaErrorNoDevice;
    case Presence::device:
    case Presence::no_image:
      break;
  }
  return errors().sticky;
}

bool Entry::refused(cudaError_t& error) const {
  error = report(device_status());
  return error != cudaSuccess;
}

bool Entry::refused(cudaError_t& error, Call kind, cudaError_t injected) const {
  if (refused(error)) return true;
  if (!fails(kind)) return false;
  error = report(injected);
  return true;
}

}  // namespace rlnas::simulator
