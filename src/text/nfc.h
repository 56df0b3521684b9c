// Unicode's normalization form C: characters composed wherever Unicode has them composed.
#pragma once

#include <string>
#include <string_view>

#include "weir/status.h"

namespace weir {

// `text` is well-formed UTF-8. kInternal when memory runs out.
Result<std::string> to_nfc(std::string_view text);

}  // namespace weir
