// A library that is loaded in front of the C library (LD_PRELOAD) and makes trouble where a program touches
// files. RLNAS_IO_FAULT says which, RLNAS_IO_PLACE where:
//
//   kill      the process is gone, as by kill -9, before the PLACE-th change of a file
//   full      the PLACE-th write and all after it find the disk full
//   error     the PLACE-th read of a file fails (EIO)
//   short     every read and write moves a few bytes at a time, and every third is interrupted first (EINTR)
//   clock     the time of day jumps by years, back and forth
//
// Changes of files are counted alone, not terminals and pipes; their number goes to the file RLNAS_IO_COUNT
// names.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

enum class Fault { none, kill, full, error, short_moves, clock };

struct Plan {
  Fault fault = Fault::none;
  long place = 0;
};

const Plan& plan() {
  static const Plan read = [] {
    Plan p;
    const char* const fault = std::getenv("RLNAS_IO_FAULT");
    const char* const place = std::getenv("RLNAS_IO_PLACE");
    if (place != nullptr) p.place = std::atol(place);
    if (fault == nullptr) return p;
    if (std::strcmp(fault, "kill") == 0) p.fault = Fault::kill;
    if (std::strcmp(fault, "full") == 0) p.fault = Fault::full;
    if (std::strcmp(fault, "error") == 0) p.fault = Fault::error;
    if (std::strcmp(fault, "short") == 0) p.fault = Fault::short_moves;
    if (std::strcmp(fault, "clock") == 0) p.fault = Fault::clock;
    return p;
  }();
  return read;
}

std::atomic<long> changes{0}, writes{0}, reads{0}, moves{0};

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

bool is_file(int descriptor) {
  struct stat status = {};
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

void change() {
  if (++changes == plan().place && plan().fault == Fault::kill) kill(getpid(), SIGKILL);
}

bool disk_is_full() {
  return ++writes >= plan().place && plan().fault == Fault::full;
}

// Whether a read or write is to be interrupted; else `count` may get less.
bool interrupts(std::size_t& count) {
  if (plan().fault != Fault::short_moves || count == 0) return false;
  const long number = ++moves;
  count = std::min<std::size_t>(count, std::size_t(number % 2 == 0 ? 4096 : 1000));
  return number % 3 == 0;
}

struct CountAtExit {
  ~CountAtExit() {
    const char* const path = std::getenv("RLNAS_IO_COUNT");
    if (path == nullptr) return;
    char text[96];
    const int size =
        std::snprintf(text, sizeof text, "%ld %ld %ld\n", changes.load(), writes.load(), reads.load());
    const int file = int(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    if (file < 0) return;
    syscall(SYS_write, file, text, size);
    syscall(SYS_close, file);
  }
} count_at_exit;

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* data, size_t count) {
  static const auto real = next<ssize_t(int, const void*, size_t)>("write");
  if (is_file(descriptor)) {
    change();
    if (disk_is_full()) return errno = ENOSPC, -1;
    if (interrupts(count)) return errno = EINTR, -1;
  }
  return real(descriptor, data, count);
}

ssize_t writev(int descriptor, const iovec* pieces, int count) {
  static const auto real = next<ssize_t(int, const iovec*, int)>("writev");
  if (is_file(descriptor)) {
    change();
    if (disk_is_full()) return errno = ENOSPC, -1;
  }
  return real(descriptor, pieces, count);
}

ssize_t read(int descriptor, void* data, size_t count) {
  static const auto real = next<ssize_t(int, void*, size_t)>("read");
  if (is_file(descriptor)) {
    if (++reads == plan().place && plan().fault == Fault::error) return errno = EIO, -1;
    if (interrupts(count)) return errno = EINTR, -1;
  }
  return real(descriptor, data, count);
}

int clock_gettime(clockid_t clock, timespec* time) {
  static const auto real = next<int(clockid_t, timespec*)>("clock_gettime");
  const int result = real(clock, time);
  if (clock == CLOCK_REALTIME && plan().fault == Fault::clock)
    time->tv_sec += (++moves % 2 == 0 ? -1 : 1) * 300'000'000L;
  return result;
}

int fsync(int descriptor) {
  static const auto real = next<int(int)>("fsync");
  change();
  return real(descriptor);
}

int ftruncate(int descriptor, off_t size) {
  static const auto real = next<int(int, off_t)>("ftruncate");
  change();
  return real(descriptor, size);
}

int rename(const char* from, const char* to) {
  static const auto real = next<int(const char*, const char*)>("rename");
  change();
  return real(from, to);
}

int unlink(const char* path) {
  static const auto real = next<int(const char*)>("unlink");
  change();
  return real(path);
}

int mkdir(const char* path, mode_t mode) {
  static const auto real = next<int(const char*, mode_t)>("mkdir");
  change();
  return real(path, mode);
}

int open(const char* path, int flags, ...) {
  static const auto real = next<int(const char*, int, ...)>("open");
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
    change();
  }
  return real(path, flags, mode);
}

}  // extern "C"
