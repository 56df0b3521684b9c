// Whether bytes are text.
#pragma once

#include <cstddef>
#include <string_view>

namespace weir {

// The length of the longest beginning of `text` that is well-formed UTF-8 (The Unicode Standard,
// section 3.9): all of it, or where the first wrong byte stands.
size_t utf8_valid_length(std::string_view text);

}  // namespace weir
