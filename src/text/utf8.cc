#include "text/utf8.h"

namespace weir {
namespace {

// What may follow a first byte: how many bytes in all, and the range of the second one, which is
// narrower than 80..BF where the wider one would give overlong forms, surrogates or values beyond
// U+10FFFF.
struct Lead {
  size_t length;
  uint8_t second_min, second_max;
};

constexpr Lead lead_of(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Utf8Step utf8_step(std::string_view text) {
  const Lead lead = lead_of(static_cast<uint8_t>(text[0]));
  if (lead.length == 0) return {1, Utf8Kind::kIllFormed};
  for (size_t i = 1; i < lead.length; ++i) {
    if (i == text.size()) return {i, Utf8Kind::kCut};
    const auto byte = static_cast<uint8_t>(text[i]);
    const uint8_t min = i == 1 ? lead.second_min : 0x80;
    const uint8_t max = i == 1 ? lead.second_max : 0xBF;
    if (byte < min || byte > max) return {i, Utf8Kind::kIllFormed};
  }
  return {lead.length, Utf8Kind::kCharacter};
}

size_t utf8_valid_length(std::string_view text) {
  size_t length = 0;
  while (length < text.size()) {
    if (static_cast<uint8_t>(text[length]) < 0x80) {
      ++length;
      continue;
    }
    const Utf8Step step = utf8_step(text.substr(length));
    if (step.kind != Utf8Kind::kCharacter) break;
    length += step.length;
  }
  return length;
}

std::string utf8_replace(std::string_view text) {
  std::string replaced;
  replaced.reserve(text.size());
  while (!text.empty()) {
    const size_t valid = utf8_valid_length(text);
    replaced += text.substr(0, valid);
    text.remove_prefix(valid);
    if (text.empty()) break;
    replaced += kReplacementCharacter;
    text.remove_prefix(utf8_step(text).length);
  }
  return replaced;
}

}  // namespace weir
