// The alphabet in which byte-level vocabularies write bytes: each byte is one printable character
// (Radford et al., 2019, encoder.py's bytes_to_unicode).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

// The UTF-8 of the character that stands for `byte`.
std::string byte_to_alphabet(uint8_t byte);

// The bytes that `text` stands for; nothing if a character is not of the alphabet.
std::optional<std::string> bytes_from_alphabet(std::string_view text);

}  // namespace weir
