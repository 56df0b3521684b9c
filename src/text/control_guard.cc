#include "text/control_guard.h"

#include <algorithm>
#include <optional>

#include "text/utf8.h"

namespace weir {
namespace {

constexpr std::string_view kGuard = "\xEF\xB7\x90";  // U+FDD0: never a character of any text.

void double_guards(std::string_view text, std::string* out) {
  for (size_t at = 0; at < text.size();) {
    const size_t found = std::min(text.find(kGuard, at), text.size());
    out->append(text.substr(at, found - at));
    if (found < text.size()) out->append(kGuard).append(kGuard);
    at = found + kGuard.size();
  }
}

// Where the next token begins that is spelled out at or after `from`, or that the text ends in the
// middle of; or none.
std::optional<size_t> find_token(std::string_view text, size_t from, const TokenMatcher& control) {
  const auto match = control.find(text, from);
  const size_t end = text.find_last_not_of(" \t\r\n\f\v") + 1;  // 0 of white space alone.
  const size_t until = match ? match->offset : end;
  for (size_t at = std::max(from, end - std::min(end, control.longest())); at < until; ++at)
    if (control.begins(text.substr(at, end - at))) return at;
  return match ? std::optional(match->offset) : std::nullopt;
}

}  // namespace

std::string guard_control_tokens(std::string_view text, const TokenMatcher& control) {
  std::string out;
  size_t done = 0;
  // Tokens may overlap, so that the search goes on behind the first character of each.
  while (const auto token = find_token(text, done, control)) {
    const size_t split = *token + utf8_step(text.substr(*token)).length;
    double_guards(text.substr(done, split - done), &out);
    out += kGuard;
    done = split;
  }
  double_guards(text.substr(done), &out);
  return out;
}

std::string unguard(std::string_view text) {
  std::string out;
  while (true) {
    const size_t found = text.find(kGuard);
    out.append(text.substr(0, found));
    if (found == std::string_view::npos) return out;
    text.remove_prefix(found + kGuard.size());
    if (!text.starts_with(kGuard)) continue;
    out += kGuard;
    text.remove_prefix(kGuard.size());
  }
}

}  // namespace weir
