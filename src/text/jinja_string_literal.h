// The escapes of string literals: Python's.
#pragma once

#include <string>
#include <string_view>

#include "weir/status.h"

namespace weir::jinja {

// The text between the quotes, unescaped. kInvalid for a broken escape, a lone surrogate, and
// characters by name (\N).
Result<std::string> unescape(std::string_view literal);

}  // namespace weir::jinja
