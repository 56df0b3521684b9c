#include "text/byte_alphabet.h"

#include <array>

namespace weir {
namespace {

constexpr bool is_printable(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

// Printable Latin-1 stands for itself; the other 68 bytes, in order, are U+0100 and up.
struct Alphabet {
  std::array<uint16_t, 256> character{};
  std::array<int16_t, 0x144> byte{};

  constexpr Alphabet() {
    byte.fill(-1);
    uint16_t next = 0x100;
    for (int i = 0; i < 256; ++i) {
      character[i] = is_printable(i) ? static_cast<uint16_t>(i) : next++;
      byte[character[i]] = static_cast<int16_t>(i);
    }
  }
};

constexpr Alphabet kAlphabet;

}  // namespace

std::string byte_to_alphabet(uint8_t byte) {
  const unsigned character = kAlphabet.character[byte];
  if (character < 0x80) return {static_cast<char>(character)};
  return {static_cast<char>(0xC0 | (character >> 6)), static_cast<char>(0x80 | (character & 0x3F))};
}

std::optional<std::string> bytes_from_alphabet(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned character = static_cast<uint8_t>(text[i]);
    if (character >= 0x80) {
      // Every character of the alphabet has one byte or two, and two only as C2..C5, 80..BF.
      if (character < 0xC2 || character > 0xC5 || ++i == text.size()) return std::nullopt;
      const unsigned low = static_cast<uint8_t>(text[i]);
      if ((low & 0xC0) != 0x80) return std::nullopt;
      character = ((character & 0x1F) << 6) | (low & 0x3F);
    }
    if (character >= kAlphabet.byte.size() || kAlphabet.byte[character] < 0) return std::nullopt;
    bytes += static_cast<char>(kAlphabet.byte[character]);
  }
  return bytes;
}

}  // namespace weir
