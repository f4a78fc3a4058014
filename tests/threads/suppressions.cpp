// What ThreadSanitizer leaves out: oneDNN's library is not compiled for it, so that it sees some of what the
// library's cache of primitives, which all threads share, writes and reads, but not how that is guarded.
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_suppressions() {
  return "called_from_lib:libdnnl.so\n";
}
