#include "text/token_matcher.h"

#include <algorithm>

namespace weir {

TokenMatcher::TokenMatcher(std::vector<std::pair<std::string, Token>> entries)
    : entries_(std::move(entries)) {
  std::sort(entries_.begin(), entries_.end());
  const auto last = std::unique(entries_.begin(), entries_.end(),
                                [](const auto& a, const auto& b) { return a.first == b.first; });
  entries_.erase(last, entries_.end());
  for (const auto& entry : entries_) longest_ = std::max(longest_, entry.first.size());
  for (const auto& entry : entries_) ++first_[static_cast<uint8_t>(entry.first[0]) + 1];
  for (size_t b = 0; b < 256; ++b) first_[b + 1] += first_[b];
}

std::optional<TokenMatcher::Match> TokenMatcher::match(std::string_view text) const {
  if (text.empty()) return std::nullopt;
  const auto byte = static_cast<uint8_t>(text[0]);
  auto low = entries_.begin() + first_[byte];
  auto high = entries_.begin() + first_[byte + 1];
  std::optional<Match> best;
  // [low, high) are the entries that begin with the first `depth` bytes of the text.
  for (size_t depth = 1; low != high; ++depth) {
    if (low->first.size() == depth) {
      best = Match{0, depth, low->second};
      ++low;
    }
    if (depth == text.size()) break;
    const auto next = static_cast<uint8_t>(text[depth]);
    const auto at = [depth](const auto& entry) { return static_cast<uint8_t>(entry.first[depth]); };
    low = std::partition_point(low, high, [&](const auto& e) { return at(e) < next; });
    high = std::partition_point(low, high, [&](const auto& e) { return at(e) == next; });
  }
  return best;
}

bool TokenMatcher::begins(std::string_view text) const {
  const auto at = std::ranges::upper_bound(
      entries_, text, {}, [](const auto& entry) { return std::string_view(entry.first); });
  return at != entries_.end() && at->first.starts_with(text);
}

std::optional<TokenMatcher::Match> TokenMatcher::find(std::string_view text, size_t from) const {
  if (entries_.empty()) return std::nullopt;
  for (size_t i = from; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (first_[byte] == first_[byte + 1]) continue;
    if (auto found = match(text.substr(i))) {
      found->offset = i;
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace weir
