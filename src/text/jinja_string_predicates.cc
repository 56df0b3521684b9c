// str.isalpha() and its like.
#include <algorithm>

#include "text/jinja_builtin.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

// True of every character, and there is one.
template <bool (*kIs)(char32_t)>
Result<Value> all(Runtime& runtime, const Value& self, const Args&) {
  const std::string& text = self.str();
  WEIR_TRY(runtime.heap.spend_bytes(text.size()));
  for (std::size_t at = 0; at < text.size();) {
    if (!kIs(next_char(text, at))) return Value(false);
  }
  return Value(!text.empty());
}

bool is_alnum(char32_t c) {
  return is_alpha(c) || is_decimal(c) || is_digit(c) || is_numeric(c);
}

// islower and isupper: some cased character, and none of another case.
template <bool (*kIs)(char32_t), bool (*kOther)(char32_t)>
Result<Value> one_case(Runtime& runtime, const Value& self, const Args&) {
  const std::string& text = self.str();
  WEIR_TRY(runtime.heap.spend_bytes(text.size()));
  bool found = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_char(text, at);
    if (kOther(c) || is_title(c)) return Value(false);
    found |= kIs(c);
  }
  return Value(found);
}

Result<Value> is_ascii(Runtime&, const Value& self, const Args&) {
  return Value(std::ranges::all_of(self.str(), [](char c) { return (c & 0x80) == 0; }));
}

Result<Value> printable(Runtime& runtime, const Value& self, const Args& args) {
  if (self.str().empty()) return Value(true);
  return all<is_printable>(runtime, self, args);
}

// Words of one capital letter and then small ones.
Result<Value> is_titled(Runtime& runtime, const Value& self, const Args&) {
  const std::string& text = self.str();
  WEIR_TRY(runtime.heap.spend_bytes(text.size()));
  bool found = false;
  bool inside = false;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_char(text, at);
    const bool capital = is_upper(c) || is_title(c);
    if (capital ? inside : (is_lower(c) && !inside)) return Value(false);
    inside = capital || is_lower(c);
    found |= inside;
  }
  return Value(found);
}

constexpr BuiltinRow kPredicates[] = {
    {"isalpha", "", 0, all<is_alpha>},
    {"isalnum", "", 0, all<is_alnum>},
    {"isdigit", "", 0, all<is_digit>},
    {"isdecimal", "", 0, all<is_decimal>},
    {"isnumeric", "", 0, all<is_numeric>},
    {"isspace", "", 0, all<is_space>},
    {"isprintable", "", 0, printable},
    {"isascii", "", 0, is_ascii},
    {"islower", "", 0, one_case<is_lower, is_upper>},
    {"isupper", "", 0, one_case<is_upper, is_lower>},
    {"istitle", "", 0, is_titled},
};

}  // namespace

Table string_predicates() {
  return kPredicates;
}

}  // namespace weir::jinja
