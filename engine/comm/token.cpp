#include "engine/comm/token.h"

#include <crypt.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "kernels/check.h"

namespace rlnas {
namespace {

constexpr std::string_view kLetters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kMethod = "$5$rounds=1000$";  // SHA-256; the fewest rounds: about a millisecond
constexpr std::size_t kShortest = 16, kLongest = 256;    // of a token

class OpenFile {
 public:
  explicit OpenFile(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  operator int() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace

std::string read_token(const std::string& path) {
  const auto check = [&](bool holds, const auto&... what) {
    RLNAS_CHECK(holds, usage, "--comm-token-file ", path, ": ", what...);
  };
  const OpenFile file(path);
  check(file >= 0, "cannot be read: ", std::strerror(errno));
  struct stat status = {};
  check(::fstat(file, &status) == 0 && S_ISREG(status.st_mode), "is not a file");
  // A secret that others of the machine can read keeps none of them out.
  check((status.st_mode & 077) == 0, "others can read or write it: chmod 600 it");
  std::array<char, 2 * kLongest> bytes;
  const ssize_t count = ::read(file, bytes.data(), bytes.size());
  check(count >= 0, "cannot be read: ", std::strerror(errno));
  std::string token(bytes.data(), std::size_t(count));
  token.resize(std::min(token.find_first_of("\r\n"), token.size()));
  check(token.size() >= kShortest && token.size() <= kLongest && token.find('\0') == std::string::npos,
        "its first line has to have ", kShortest, " to ", kLongest,
        " characters: head -c 32 /dev/urandom | base64");
  return token;
}

Nonce draw_nonce() {
  Nonce nonce;
  RLNAS_CHECK(::getrandom(nonce.data(), nonce.size(), 0) == ssize_t(nonce.size()), communication,
              "the system has no random numbers: ", std::strerror(errno));
  for (char& letter : nonce) letter = kLetters[static_cast<unsigned char>(letter) % kLetters.size()];
  return nonce;
}

Proof proof_of(const std::string& token, std::string_view role, const Nonce& own, const Nonce& theirs) {
  std::string key = token + '/';
  key.append(role).append("/").append(own.data(), own.size());
  const std::string setting = std::string(kMethod).append(theirs.data(), theirs.size());
  const auto data = std::make_unique<crypt_data>();
  const char* const hash = ::crypt_r(key.c_str(), setting.c_str(), data.get());
  const std::string_view text = hash == nullptr ? std::string_view() : hash;
  Proof proof;
  RLNAS_CHECK(text.size() > proof.size() && text.starts_with(kMethod), communication,
              "the system cannot hash by SHA-256 (crypt)");
  std::copy_n(text.end() - std::ptrdiff_t(proof.size()), proof.size(), proof.begin());
  return proof;
}

bool same_proof(const Proof& a, const Proof& b) {
  int difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
  return difference == 0;
}

}  // namespace rlnas
