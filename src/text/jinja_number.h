// How far a number or a name reaches in template text.
#pragma once

#include <cstddef>
#include <string_view>

namespace weir::jinja {

struct NumberSize {
  std::size_t size = 0;
  bool is_float = false;
};

// `text` begins with a digit.
NumberSize number_size(std::string_view text, bool may_be_float);
// 0 when no name begins here.
std::size_t name_size(std::string_view text);

}  // namespace weir::jinja
