// Calls of a backend as values: kept to be run later, and told apart from others by what they say, addresses
// included.
#pragma once

#include <cstring>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/backend.h"

namespace rlnas {

// GCC 12's __builtin_clear_padding misses some padding behind an array, so these may have none.
static_assert(std::has_unique_object_representations_v<Values>);
static_assert(std::has_unique_object_representations_v<ConstValues>);

class CallLog {
 public:
  template <class Primitive>
  void add(const Primitive& call, Workspace workspace) {
    static_assert(std::is_trivially_copyable_v<Primitive>);
    calls_.push_back([call, workspace](Backend& backend) { backend.run(call, workspace); });
    key_ += Primitive::kName;
    append(call);
    append(workspace);
  }

  std::size_t size() const { return calls_.size(); }
  // The same for two logs exactly when they do the same.
  const std::string& key() const { return key_; }
  void run(Backend& backend) const {
    for (const auto& call : calls_) call(backend);
  }
  void clear() {
    calls_.clear();
    key_.clear();
  }

 private:
  template <class T>
  void append(T value) {
    __builtin_clear_padding(&value);  // bytes that say nothing
    key_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }

  std::vector<std::function<void(Backend&)>> calls_;
  std::string key_;
};

}  // namespace rlnas
