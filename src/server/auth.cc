#include "server/auth.h"

#include <openssl/crypto.h>

#include <span>

#include "base/file.h"

namespace weir::server {
namespace {

// Digests have one length and tell nothing of how far two keys agree.
std::string digest_of(std::string_view key) {
  return sha256(std::as_bytes(std::span(key)));
}

}  // namespace

KeyRing::KeyRing(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) digests_.push_back(digest_of(key));
}

bool KeyRing::opens(std::string_view authorization) const {
  if (digests_.empty()) return true;
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.size() <= kScheme.size()) return false;
  for (size_t i = 0; i < kScheme.size(); ++i)
    if ((authorization[i] | (kScheme[i] == ' ' ? 0 : 0x20)) != kScheme[i]) return false;
  const std::string digest = digest_of(authorization.substr(kScheme.size()));
  int found = 0;
  for (const std::string& known : digests_)
    found |= CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0 ? 1 : 0;
  return found != 0;
}

}  // namespace weir::server
