// The merges of byte-level BPE, and their application to one word.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <vector>

#include "weir/options.h"

namespace weir {

// What merging one word needs, kept from word to word. One thread.
struct MergeScratch {
  struct Symbol {
    Token token;  // -1: merged into its left neighbour.
    int32_t previous, next;
  };
  std::vector<Token> word;       // In: the tokens to merge. Out: the merged ones.
  std::vector<uint64_t> merges;  // Of each pair of neighbours, or a heap of them.
  std::vector<Symbol> symbols;
};

class MergeTable {
 public:
  // Of the merges of the same pair the first added counts. Ranks ascend.
  void add(Token left, Token right, uint32_t rank, Token merged);

  // Merges the pair of lowest rank, of those with equal rank the leftmost, until no pair merges:
  // scratch->word becomes the result. At most 2^31 - 1 tokens; time n log n.
  void apply(MergeScratch* scratch) const;

 private:
  // A rank above a token, so that the least value is the merge to do first. kNone: no merge.
  static constexpr uint64_t kNone = ~uint64_t{0};
  uint64_t find(Token left, Token right) const;

  void apply_to_short(MergeScratch* scratch) const;
  void apply_to_long(MergeScratch* scratch) const;

  boost::unordered_flat_map<uint64_t, uint64_t> merges_;  // By left and right.
};

}  // namespace weir
