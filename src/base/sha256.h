// SHA-256 as an object to feed.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace weir {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::span<const std::byte> bytes);
  // Adds the length before the text, so that two fields never run into each other.
  void add_field(std::string_view text);
  // Ends the hash: call once.
  std::array<std::byte, 32> digest();

 private:
  evp_md_ctx_st* context_;
};

// Lower-case hexadecimal.
std::string hex(std::span<const std::byte> bytes);

}  // namespace weir
