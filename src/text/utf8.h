// UTF-8 one step at a time (The Unicode Standard, section 3.9).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/utf8.h"

namespace weir {

enum class Utf8Kind : uint8_t {
  kCharacter,  // A well-formed character.
  kIllFormed,  // A maximal ill-formed part: what one U+FFFD stands for.
  kCut,        // The text ends inside a character that more bytes may complete.
};

struct Utf8Step {
  size_t length;  // In bytes, 1..4.
  Utf8Kind kind;
};

// What `text` (not empty) begins with.
Utf8Step utf8_step(std::string_view text);

// `text` with U+FFFD for each maximal ill-formed part, as Python's errors="replace".
std::string utf8_replace(std::string_view text);

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

}  // namespace weir
