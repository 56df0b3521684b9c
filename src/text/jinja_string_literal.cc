#include "text/jinja_string_literal.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>

#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

using View = std::string_view;

struct Simple {
  char name;
  View chars;
};
constexpr Simple kSimple[] = {{'n', "\n"}, {'t', "\t"}, {'r', "\r"}, {'\\', "\\"},
                              {'\'', "'"}, {'"', "\""}, {'a', "\a"}, {'b', "\b"},
                              {'f', "\f"}, {'v', "\v"}, {'\n', ""}};

// The digits of \xhh, \uhhhh and \Uhhhhhhhh.
std::size_t hex_digits(char kind) {
  return kind == 'x' ? 2 : (kind == 'u' ? 4 : 8);
}

// Reads `digits` as a number of the base and moves past it.
Status add_code(std::string& out, View digits, int base) {
  std::uint32_t code = 0;
  const char* end = digits.data() + digits.size();
  if (digits.empty() || std::from_chars(digits.data(), end, code, base).ptr != end) {
    return fail(Code::kInvalid, "a string has a broken \\x, \\u or \\U escape");
  }
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
    return fail(Code::kInvalid, fmt::format("a string has \\U{:08x}, which is no character", code));
  }
  append_char(out, code);
  return {};
}

}  // namespace

Result<std::string> unescape(View literal) {
  std::string out;
  for (std::size_t at = 0; at < literal.size();) {
    if (literal[at] != '\\' || at + 1 == literal.size()) {
      out += literal[at++];
      continue;
    }
    const char kind = literal[at + 1];
    if (kind == 'x' || kind == 'u' || kind == 'U') {
      const View digits = literal.substr(at + 2, hex_digits(kind));
      if (digits.size() < hex_digits(kind)) {
        return fail(Code::kInvalid, "a string has a broken \\x, \\u or \\U escape");
      }
      WEIR_TRY(add_code(out, digits, 16));
      at += 2 + digits.size();
    } else if (kind >= '0' && kind <= '7') {
      const std::size_t end = literal.find_first_not_of("01234567", at + 1);
      const View digits = literal.substr(at + 1, std::min<std::size_t>(end - at - 1, 3));
      WEIR_TRY(add_code(out, digits, 8));
      at += 1 + digits.size();
    } else if (kind == 'N') {
      return fail(Code::kInvalid, "a string names a character with \\N, which is not supported");
    } else {
      View chars = literal.substr(at, 2);  // Python keeps an escape it does not know.
      for (const Simple& simple : kSimple) {
        if (simple.name == kind) chars = simple.chars;
      }
      out += chars;
      at += 2;
    }
  }
  return out;
}

}  // namespace weir::jinja
