// What Python's str knows about characters, over UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir::jinja {

// The bytes of the character at `at`. A byte that begins no character counts as one.
std::size_t char_size(std::string_view text, std::size_t at);
std::size_t char_count(std::string_view text);
// The byte where character `index` begins; text.size() beyond the end.
std::size_t char_offset(std::string_view text, std::size_t index);
// The character at byte `at`, which moves past it; U+FFFD for a byte that begins none.
char32_t next_char(std::string_view text, std::size_t& at);
// Appends UTF-8. A surrogate or a number beyond Unicode becomes U+FFFD.
void append_char(std::string& out, char32_t c);

// Where `part` begins in `text`, from byte `from` on; npos when it does not. Linear, whatever the
// two are.
std::size_t find_text(std::string_view text, std::string_view part, std::size_t from = 0);

// str.isspace() of one character: what strip() and split() take away.
bool is_space(char32_t c);
// str.isprintable() of one character: what repr() shows as it is.
bool is_printable(char32_t c);
bool is_lower(char32_t c);
bool is_upper(char32_t c);  // Not of title case letters.
bool is_title(char32_t c);
bool is_alpha(char32_t c);
bool is_decimal(char32_t c);
bool is_digit(char32_t c);
bool is_numeric(char32_t c);
// Has neither an upper nor a lower nor a title case.
bool is_uncased(char32_t c);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string capitalize(std::string_view text);
// str.title(): the first cased character after each uncased one.
std::string title(std::string_view text);
std::string swapcase(std::string_view text);

// str.strip() and its halves: of white space, or of the characters in `chars`.
std::string_view lstrip(std::string_view text);
std::string_view rstrip(std::string_view text);
std::string_view lstrip(std::string_view text, std::string_view chars);
std::string_view rstrip(std::string_view text, std::string_view chars);

}  // namespace weir::jinja
