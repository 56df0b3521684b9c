#pragma once

#include <string_view>

#include "weir/status.h"

namespace weir::cli {

// kInvalid, with the offset of the first byte that is wrong, unless `text` is UTF-8. `what` says
// what the text is, for the message.
Status check_utf8(std::string_view what, std::string_view text);

}  // namespace weir::cli
