#include "text/jinja_number.h"

#include <cctype>

#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

using View = std::string_view;

bool is_digit_char(char c) {
  return c >= '0' && c <= '9';
}
bool is_binary(char c) {
  return c == '0' || c == '1';
}
bool is_octal(char c) {
  return c >= '0' && c <= '7';
}
bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}
bool is_zero(char c) {
  return c == '0';
}

// Digits with single underscores between them, from `at` on; the place after them.
template <typename IsDigit>
std::size_t run(View text, std::size_t at, const IsDigit& is) {
  while (at < text.size()) {
    const bool gap = text[at] == '_' && at + 1 < text.size() && is(text[at + 1]);
    if (!gap && !is(text[at])) break;
    at += gap ? 2 : 1;
  }
  return at;
}

// Digits where one must come first; `at` itself when none does.
std::size_t digits(View text, std::size_t at) {
  return at < text.size() && is_digit_char(text[at]) ? run(text, at, is_digit_char) : at;
}

// The place after a float that begins the text, or 0.
std::size_t float_size(View text) {
  const std::size_t whole = digits(text, 0);
  std::size_t end = whole;
  if (end < text.size() && text[end] == '.') {
    const std::size_t fraction = digits(text, end + 1);
    end = fraction > end + 1 ? fraction : end;
  }
  std::size_t exponent = end;
  if (exponent < text.size() && (text[exponent] == 'e' || text[exponent] == 'E')) {
    ++exponent;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    if (const std::size_t after = digits(text, exponent); after > exponent) return after;
  }
  return end > whole ? end : 0;
}

std::size_t integer_size(View text) {
  if (text.size() > 2 && text[0] == '0') {
    const char base = static_cast<char>(text[1] | 0x20);
    const std::size_t end = base == 'x'   ? run(text, 2, is_hex)
                            : base == 'o' ? run(text, 2, is_octal)
                            : base == 'b' ? run(text, 2, is_binary)
                                          : 2;
    if (end > 2) return end;
  }
  return text[0] == '0' ? run(text, 0, is_zero) : run(text, 0, is_digit_char);
}

bool begins_name(char32_t c) {
  return c == '_' || is_alpha(c);
}
bool goes_on(char32_t c) {
  return begins_name(c) || is_decimal(c);
}

}  // namespace

NumberSize number_size(View text, bool may_be_float) {
  const std::size_t size = may_be_float ? float_size(text) : 0;
  return size > 0 ? NumberSize{size, true} : NumberSize{integer_size(text), false};
}

std::size_t name_size(View text) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_char(text, at);
    if (!(end == 0 ? begins_name(c) : goes_on(c))) break;
    end = at;
  }
  return end;
}

}  // namespace weir::jinja
