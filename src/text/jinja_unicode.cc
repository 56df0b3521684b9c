#include "text/jinja_unicode.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

namespace weir::jinja {
namespace {

enum Flag : std::uint32_t {
  kPrintable = 1,
  kLower = 2,
  kUpper = 4,
  kTitle = 8,
  kAlpha = 16,
  kDecimal = 32,
  kDigit = 64,
  kNumeric = 128,
  kCased = 256,
  kIgnorable = 512,
};

// Each run's first character, shifted by 10, and the flags that hold to the next run.
constexpr std::uint32_t kFlagRuns[] = {
#include "text/jinja_unicode_flags.inc"
};

struct CaseRun {
  char32_t first, last;
  std::uint32_t stride;
  std::int32_t delta;
};
struct CaseSpecial {
  char32_t from;
  const char32_t* to;
};
#include "text/jinja_unicode_case.inc"

std::uint32_t flags_of(char32_t c) {
  const std::uint32_t key = (static_cast<std::uint32_t>(c) << 10) | 1023U;
  const auto* after = std::upper_bound(std::begin(kFlagRuns), std::end(kFlagRuns), key);
  return *(after - 1) & 1023U;
}

bool has(char32_t c, std::uint32_t flag) {
  return (flags_of(c) & flag) != 0;
}

struct CaseMap {
  std::span<const CaseRun> runs;
  std::span<const CaseSpecial> special;
};
constexpr CaseMap kUpperMap{kUpperRuns, kUpperSpecial};
constexpr CaseMap kLowerMap{kLowerRuns, kLowerSpecial};
constexpr CaseMap kTitleMap{kTitleRuns, kTitleSpecial};

void append_mapped(std::string& out, const CaseMap& map, char32_t c) {
  const auto special =
      std::lower_bound(map.special.begin(), map.special.end(), c,
                       [](const CaseSpecial& s, char32_t x) { return s.from < x; });
  if (special != map.special.end() && special->from == c) {
    for (const char32_t* to = special->to; *to != 0; ++to) append_char(out, *to);
    return;
  }
  auto run = std::upper_bound(map.runs.begin(), map.runs.end(), c,
                              [](char32_t x, const CaseRun& r) { return x < r.first; });
  const bool inside =
      run != map.runs.begin() && c <= (--run)->last && (c - run->first) % run->stride == 0;
  append_char(out, inside ? static_cast<char32_t>(static_cast<std::int64_t>(c) + run->delta) : c);
}

// Lower case, one character after another: a capital sigma at the end of a word has a small letter
// of its own, so what went before and what follows matter.
class Lowerer {
 public:
  explicit Lowerer(std::string_view text) : text_(text) {}

  void append(std::string& out, char32_t c, std::size_t end) {
    if (c == U'Σ') {
      append_char(out, cased_before_ && !cased_after(end) ? U'ς' : U'σ');
    } else {
      append_mapped(out, kLowerMap, c);
    }
  }
  // To be told of every character once it is done.
  void passed(char32_t c) {
    if (!has(c, kIgnorable)) cased_before_ = has(c, kCased);
  }

 private:
  // Stops at the next sigma, so a text of sigmas takes no longer than another.
  bool cased_after(std::size_t at) const {
    while (at < text_.size()) {
      const char32_t c = next_char(text_, at);
      if (!has(c, kIgnorable)) return has(c, kCased);
    }
    return false;
  }

  std::string_view text_;
  bool cased_before_ = false;
};

// What becomes of a character: kept, or mapped to a case.
enum class To { kSame, kUpper, kLower, kTitle };

template <typename Choose>
std::string convert(std::string_view text, const Choose& choose) {
  std::string out;
  Lowerer lowerer(text);
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_char(text, at);
    switch (choose(c)) {
      case To::kSame:
        append_char(out, c);
        break;
      case To::kUpper:
        append_mapped(out, kUpperMap, c);
        break;
      case To::kLower:
        lowerer.append(out, c, at);
        break;
      case To::kTitle:
        append_mapped(out, kTitleMap, c);
        break;
    }
    lowerer.passed(c);
  }
  return out;
}

}  // namespace

std::size_t char_size(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const std::size_t size = lead < 0xC2   ? 1
                           : lead < 0xE0 ? 2
                           : lead < 0xF0 ? 3
                           : lead < 0xF5 ? 4
                                         : 1;
  if (size > text.size() - at) return 1;
  for (std::size_t i = 1; i < size; ++i) {
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return 1;
  }
  return size;
}

std::size_t char_count(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); at += char_size(text, at)) ++count;
  return count;
}

std::size_t char_offset(std::string_view text, std::size_t index) {
  std::size_t at = 0;
  while (index-- > 0 && at < text.size()) at += char_size(text, at);
  return at;
}

char32_t next_char(std::string_view text, std::size_t& at) {
  const std::size_t size = char_size(text, at);
  const auto lead = static_cast<unsigned char>(text[at]);
  constexpr unsigned kLeadMask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  char32_t c = lead & kLeadMask[size];
  if (size == 1 && lead >= 0x80) c = 0xFFFD;
  for (std::size_t i = 1; i < size; ++i) {
    c = (c << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3F);
  }
  at += size;
  return c;
}

void append_char(std::string& out, char32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) c = 0xFFFD;
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((c >> shift) & 0x3F)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | (c >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (c >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::size_t find_text(std::string_view text, std::string_view part, std::size_t from) {
  if (from > text.size()) return text.npos;
  if (part.empty()) return from;
  const void* at = memmem(text.data() + from, text.size() - from, part.data(), part.size());
  if (at == nullptr) return text.npos;
  return static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
}

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
         c == 0x205F || c == 0x3000;
}
bool is_printable(char32_t c) {
  return has(c, kPrintable);
}
bool is_lower(char32_t c) {
  return has(c, kLower);
}
bool is_upper(char32_t c) {
  return has(c, kUpper);
}
bool is_title(char32_t c) {
  return has(c, kTitle);
}
bool is_alpha(char32_t c) {
  return has(c, kAlpha);
}
bool is_decimal(char32_t c) {
  return has(c, kDecimal);
}
bool is_digit(char32_t c) {
  return has(c, kDigit);
}
bool is_numeric(char32_t c) {
  return has(c, kNumeric);
}
bool is_uncased(char32_t c) {
  return !has(c, kCased);
}

std::string upper(std::string_view text) {
  return convert(text, [](char32_t) { return To::kUpper; });
}

std::string lower(std::string_view text) {
  return convert(text, [](char32_t) { return To::kLower; });
}

std::string capitalize(std::string_view text) {
  bool first = true;
  return convert(text,
                 [&](char32_t) { return std::exchange(first, false) ? To::kTitle : To::kLower; });
}

std::string title(std::string_view text) {
  bool inside = false;
  return convert(text, [&](char32_t c) {
    return std::exchange(inside, !is_uncased(c)) ? To::kLower : To::kTitle;
  });
}

std::string swapcase(std::string_view text) {
  return convert(text, [](char32_t c) {
    if (is_upper(c)) return To::kLower;
    return is_lower(c) ? To::kUpper : To::kSame;
  });
}

std::string_view lstrip(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (!is_space(next_char(text, at))) return text.substr(begin);
  }
  return {};
}

std::string_view rstrip(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!is_space(next_char(text, at))) end = at;
  }
  return text.substr(0, end);
}

namespace {

bool in_set(std::string_view chars, std::string_view c) {
  for (std::size_t at = 0; at < chars.size(); at += char_size(chars, at)) {
    if (chars.substr(at, char_size(chars, at)) == c) return true;
  }
  return false;
}

}  // namespace

std::string_view lstrip(std::string_view text, std::string_view chars) {
  std::size_t at = 0;
  while (at < text.size() && in_set(chars, text.substr(at, char_size(text, at)))) {
    at += char_size(text, at);
  }
  return text.substr(at);
}

std::string_view rstrip(std::string_view text, std::string_view chars) {
  std::size_t end = text.size();
  while (end > 0) {
    std::size_t begin = end - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
    if (char_size(text, begin) != end - begin) begin = end - 1;
    if (!in_set(chars, text.substr(begin, end - begin))) break;
    end = begin;
  }
  return text.substr(0, end);
}

}  // namespace weir::jinja
