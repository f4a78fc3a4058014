#include "search/api/c_support.h"

#include <cstdlib>
#include <new>

#include "engine/interruption.h"

namespace rlnas::c {
namespace {

// Of fixed size: telling of a lack of memory takes none.
thread_local char last_error[1024];

}  // namespace

rlnas_status failed(rlnas_status status, const char* message) noexcept {
  std::strncpy(last_error, message, sizeof last_error - 1);
  return status;
}

rlnas_status caught() noexcept {
  try {
    throw;
  } catch (const Error& error) {
    return failed(rlnas_status(int(error.code())), error.what());
  } catch (const Interrupted& error) {
    return failed(RLNAS_INTERRUPTED, error.what());
  } catch (const std::bad_alloc&) {
    return failed(RLNAS_DEVICE, "out of memory");
  } catch (const std::exception& error) {
    return failed(RLNAS_RUN_FAILED, error.what());
  } catch (...) {
    return failed(RLNAS_RUN_FAILED, "an exception of a kind unknown here");
  }
}

void give(const std::string& text, char** out) {
  required(out, "where the text goes");
  char* const copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) throw std::bad_alloc();
  std::memcpy(copy, text.c_str(), text.size() + 1);
  *out = copy;
}

std::function<bool()> stop_of(const rlnas_callbacks& callbacks) {
  if (callbacks.should_stop == nullptr) return {};
  return [callbacks] { return callbacks.should_stop(callbacks.user) != 0; };
}

std::function<void(const Preparation&)> preparing_of(const rlnas_callbacks& callbacks) {
  if (callbacks.preparing == nullptr) return {};
  return [callbacks](const Preparation& now) {
    callbacks.preparing(callbacks.user, now.what.c_str(), now.done, now.total);
  };
}

}  // namespace rlnas::c

const char* rlnas_last_error(void) {
  return rlnas::c::last_error;
}

const char* rlnas_version(void) {
  static const std::string text = rlnas::version();
  return text.c_str();
}

void rlnas_free(void* text) {
  std::free(text);
}
