// libcudnn keeps what it allocates while planning until the process ends; LeakSanitizer, in builds that have
// it, would call that a leak of every program here. Asked for by the sanitizer's runtime at start.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() {
  return "detect_leaks=0";
}
