// Device and pinned memory of the simulated GPU. Device memory has no access rights while the host runs,
// guard pages on both sides, NaN in every element nobody wrote, and its addresses are never used again after
// a free, so that a host dereference, an access past the end and a use after free all fault, with a message
// that says which.
#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace rlnas::simulator {

enum class MemoryKind { device, pinned };

class DeviceMemory {
 public:
  // Contents: NaN as float and double. Null when the system or the limit of the options says no.
  void* allocate(MemoryKind kind, std::size_t bytes);
  // False when no block of this kind starts there. misuse() when it was freed before, or when the bytes
  // around it were written.
  bool release(MemoryKind kind, void* block);

  // Gives the addresses of freed blocks back. Nothing may be alive.
  void forget();

  // Whether all bytes lie in one live block of that kind. misuse() when they lie in a freed one, or run past
  // the end of the block they start in. `what` goes into the message.
  bool holds(MemoryKind kind, const void* from, std::size_t bytes, const std::string& what) const;

  // While work runs on the device its memory can be touched. `what` is named in the message of a fault.
  void open();
  void close();
  void set_running(const char* what) { running_ = what; }

  // For the handler of faults: whose address that is and what went wrong; empty when it is none of ours.
  std::string explain(const void* address) const;

 private:
  enum class Life { live, freed };
  struct Block {
    MemoryKind kind;
    Life life;
    int number;
    char* region;  // with guard pages
    std::size_t region_bytes;
    std::size_t bytes;  // asked for
  };
  using Blocks = std::map<const char*, Block>;  // by first byte

  Blocks::const_iterator block_of(const void* address) const;
  void set_access(const Block& block, int protection) const;
  std::string name_of(const Blocks::value_type& entry, const void* address) const;

  Blocks blocks_;
  int made_ = 0;
  bool open_ = false;
  const char* running_ = nullptr;
};

DeviceMemory& device_memory();

// Takes over the handlers of SIGSEGV and SIGBUS. Done at first use and by reset(): a test framework may have
// put its own there.
void explain_faults();

}  // namespace rlnas::simulator
