#include "base/sha256.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <cstdint>

namespace weir {

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(context_, EVP_sha256(), nullptr);
}

Sha256::~Sha256() { EVP_MD_CTX_free(context_); }

void Sha256::add(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(context_, bytes.data(), bytes.size());
}

void Sha256::add_field(std::string_view text) {
  const uint64_t length = text.size();
  add(std::as_bytes(std::span(&length, 1)));
  add(std::as_bytes(std::span(text)));
}

std::array<std::byte, 32> Sha256::digest() {
  std::array<std::byte, 32> out{};
  EVP_DigestFinal_ex(context_, reinterpret_cast<unsigned char*>(out.data()), nullptr);
  return out;
}

std::string hex(std::span<const std::byte> bytes) {
  std::string out;
  for (std::byte b : bytes) fmt::format_to(std::back_inserter(out), "{:02x}", static_cast<int>(b));
  return out;
}

}  // namespace weir
