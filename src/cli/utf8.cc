#include "cli/utf8.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

#include "weir/utf8.h"

namespace weir::cli {

Status check_utf8(std::string_view what, std::string_view text) {
  const size_t valid = utf8_valid_length(text);
  if (valid == text.size()) return {};
  return fail(Code::kInvalid, fmt::format("{} is not UTF-8: byte {} (0x{:02x}) is wrong", what,
                                          valid, static_cast<uint8_t>(text[valid])));
}

}  // namespace weir::cli
