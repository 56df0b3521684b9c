#include "text/merge_table.h"

#include <algorithm>
#include <functional>

namespace weir {
namespace {

// Up to here looking through all pairs is faster than keeping a heap.
constexpr size_t kShortWord = 40;

uint64_t pack(uint32_t high, uint32_t low) {
  return uint64_t{high} << 32 | low;
}
uint64_t pack(Token high, Token low) {
  return pack(static_cast<uint32_t>(high), static_cast<uint32_t>(low));
}
uint32_t rank_of(uint64_t merge) {
  return static_cast<uint32_t>(merge >> 32);
}
Token token_of(uint64_t merge) {
  return static_cast<Token>(merge);
}

}  // namespace

void MergeTable::add(Token left, Token right, uint32_t rank, Token merged) {
  merges_.emplace(pack(left, right), pack(rank, static_cast<uint32_t>(merged)));
}

uint64_t MergeTable::find(Token left, Token right) const {
  const auto found = merges_.find(pack(left, right));
  return found == merges_.end() ? kNone : found->second;
}

void MergeTable::apply(MergeScratch* scratch) const {
  if (scratch->word.size() <= kShortWord) {
    apply_to_short(scratch);
  } else {
    apply_to_long(scratch);
  }
}

void MergeTable::apply_to_short(MergeScratch* scratch) const {
  auto& word = scratch->word;
  auto& merges = scratch->merges;
  merges.clear();
  for (size_t i = 0; i + 1 < word.size(); ++i) merges.push_back(find(word[i], word[i + 1]));
  while (!merges.empty()) {
    const auto least = std::min_element(merges.begin(), merges.end());
    if (*least == kNone) return;
    const auto at = least - merges.begin();
    word[at] = token_of(*least);
    word.erase(word.begin() + at + 1);
    merges.erase(least);
    const auto left = static_cast<size_t>(at);
    if (left > 0) merges[left - 1] = find(word[left - 1], word[left]);
    if (left < merges.size()) merges[left] = find(word[left], word[left + 1]);
  }
}

void MergeTable::apply_to_long(MergeScratch* scratch) const {
  auto& symbols = scratch->symbols;
  auto& heap = scratch->merges;  // A rank above the place of the left symbol; least first.
  const auto size = static_cast<int32_t>(scratch->word.size());
  symbols.clear();
  heap.clear();
  for (int32_t i = 0; i < size; ++i) {
    symbols.push_back({scratch->word[i], i - 1, i + 1 < size ? i + 1 : -1});
  }
  const auto merge_at = [&](int32_t left) {
    const int32_t right = symbols[left].next;
    return right < 0 ? kNone : find(symbols[left].token, symbols[right].token);
  };
  const auto push = [&](int32_t left) {
    const uint64_t merge = merge_at(left);
    if (merge == kNone) return;
    heap.push_back(pack(rank_of(merge), static_cast<uint32_t>(left)));
    std::push_heap(heap.begin(), heap.end(), std::greater<>());
  };
  for (int32_t i = 0; i < size; ++i) push(i);
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    const uint64_t top = heap.back();
    heap.pop_back();
    const auto left = static_cast<int32_t>(top & 0xFFFFFFFFu);
    if (symbols[left].token < 0) continue;
    const uint64_t merge = merge_at(left);
    // The symbols have changed since this entry was made; what they merge to now has its own.
    if (merge == kNone || rank_of(merge) != rank_of(top)) continue;
    const int32_t right = symbols[left].next;
    symbols[left].token = token_of(merge);
    symbols[left].next = symbols[right].next;
    symbols[right].token = -1;
    if (symbols[left].next >= 0) symbols[symbols[left].next].previous = left;
    if (symbols[left].previous >= 0) push(symbols[left].previous);
    push(left);
  }
  scratch->word.clear();
  for (int32_t i = 0; i >= 0 && i < size; i = symbols[i].next) {
    scratch->word.push_back(symbols[i].token);
  }
}

}  // namespace weir
