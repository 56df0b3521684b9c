// WEIR_CHECK: a broken invariant of weir's own ends the process with its figures. Nothing that
// comes from outside may break one: values from outside are checked with Result<T>.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace weir {

[[noreturn]] void check_failed(const char* file, int line, const char* what,
                               std::string_view figures);

}  // namespace weir

// WEIR_CHECK(rows <= capacity, "rows {} capacity {}", rows, capacity). On in every build.
#define WEIR_CHECK(condition, ...)                                                       \
  do {                                                                                   \
    if (!(condition)) [[unlikely]]                                                       \
      ::weir::check_failed(__FILE__, __LINE__, #condition, fmt::format("" __VA_ARGS__)); \
  } while (false)
