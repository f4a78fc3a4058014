// The secret that ranks share so that no stranger joins them (--comm-token-file), and how one shows the other
// that it knows it without saying it: by a hash over the secret and what both drew by chance. The hash is the
// system's for passwords (crypt, SHA-256), which makes guessing slow.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace rlnas {

using Nonce = std::array<char, 16>;  // letters and digits
using Proof = std::array<char, 43>;  // likewise

// The first line of a file that nobody but its owner may read or write. Errors: usage, naming
// --comm-token-file.
std::string read_token(const std::string& path);

Nonce draw_nonce();
// role: who shows it, so that nobody can hand on another's. `theirs`: drawn by the one who is shown.
Proof proof_of(const std::string& token, std::string_view role, const Nonce& own, const Nonce& theirs);
// In the same time wherever they differ.
bool same_proof(const Proof& a, const Proof& b);

}  // namespace rlnas
