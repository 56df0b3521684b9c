#include "cli/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace weir::cli {
namespace {

// Bytes of the character at the beginning of `text`, which is not empty; 0: it is none.
size_t character_bytes(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return 0;
  for (size_t i = 1; i < size; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  // Longer than needed, a surrogate, or beyond U+10FFFF.
  const uint8_t second = byte(1);
  const bool wrong = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) ||
                     (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second >= 0x90);
  return wrong ? 0 : size;
}

}  // namespace

Status check_utf8(std::string_view what, std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const size_t size = character_bytes(text.substr(at));
    if (size == 0)
      return fail(Code::kInvalid, fmt::format("{} is not UTF-8: byte {} (0x{:02x}) is wrong", what,
                                              at, static_cast<uint8_t>(text[at])));
    at += size;
  }
  return {};
}

}  // namespace weir::cli
