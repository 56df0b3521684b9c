// The larger pieces of text handling that methods and filters share.
#pragma once

#include <string_view>

#include "text/jinja_builtin.h"

namespace weir::jinja {

// str.split(sep, maxsplit) and rsplit; a missing or None `sep` splits at white space.
Result<Value> split_text(Runtime& runtime, std::string_view text, const Args& args,
                         bool from_right);
// str.splitlines().
Result<Value> split_lines(Runtime& runtime, std::string_view text, bool keep_ends);
// str.replace(); a negative count replaces all.
Result<Value> replace_text(Runtime& runtime, std::string_view text, std::string_view from,
                           std::string_view to, std::int64_t count);

// str.ljust(width, fill), rjust and center: the side where the fill goes.
enum class Side { kLeft, kRight, kBoth };
Result<Value> pad_text(Runtime& runtime, std::string_view text, const Args& args, Side side);
// str.zfill(width).
Result<Value> fill_zeros(Runtime& runtime, std::string_view text, const Args& args);

// str.format() with {}, {0}, {name}, their .attributes and [items], and !s and !r; a format
// specification after a colon is kInvalid.
Result<Value> format_braces(Runtime& runtime, std::string_view pattern, const CallArgs& args);

}  // namespace weir::jinja
