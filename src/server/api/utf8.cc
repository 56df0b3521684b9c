#include "server/api/utf8.h"

#include <algorithm>

namespace weir::server {
namespace {

struct Sequence {
  size_t length;  // Bytes that belong together, at least 1.
  bool valid;
};

// The well-formed byte sequences of Unicode's table 3-7.
Sequence next_sequence(std::string_view bytes) {
  const auto at = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {1, false};
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned char low = 0x80, high = 0xBF;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  for (size_t i = 1; i < length; ++i) {
    if (i == bytes.size() || at(i) < low || at(i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

}  // namespace

size_t valid_utf8_bytes(std::string_view bytes) {
  std::string_view left = bytes;
  while (!left.empty()) {
    const Sequence sequence = next_sequence(left);
    if (!sequence.valid) break;
    left.remove_prefix(sequence.length);
  }
  return bytes.size() - left.size();
}

bool is_valid_utf8(std::string_view bytes) {
  return valid_utf8_bytes(bytes) == bytes.size();
}

std::string to_valid_utf8(std::string_view bytes) {
  if (is_valid_utf8(bytes)) return std::string(bytes);
  std::string out;
  while (!bytes.empty()) {
    const Sequence sequence = next_sequence(bytes);
    out += sequence.valid ? bytes.substr(0, sequence.length) : std::string_view("\xEF\xBF\xBD");
    bytes.remove_prefix(sequence.length);
  }
  return out;
}

size_t count_characters(std::string_view bytes) {
  return static_cast<size_t>(std::count_if(bytes.begin(), bytes.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace weir::server
