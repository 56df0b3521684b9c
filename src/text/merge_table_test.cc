#include "text/merge_table.h"

#include <gtest/gtest.h>

#include <random>

namespace weir {
namespace {

// The definition, step by step, in quadratic time.
std::vector<Token> merged(const std::vector<std::array<Token, 3>>& merges,
                          std::vector<Token> word) {
  for (;;) {
    size_t best = merges.size();
    size_t place = 0;
    for (size_t i = 0; i + 1 < word.size(); ++i) {
      for (size_t rank = 0; rank < best; ++rank) {
        if (merges[rank][0] == word[i] && merges[rank][1] == word[i + 1]) {
          best = rank;
          place = i;
        }
      }
    }
    if (best == merges.size()) return word;
    word[place] = merges[best][2];
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

TEST(MergeTable, EqualsTheDefinitionForShortAndLongWords) {
  std::mt19937 random(5);
  for (int round = 0; round < 30; ++round) {
    std::vector<std::array<Token, 3>> merges;
    MergeTable table;
    for (Token merge = 0; merge < 30; ++merge) {
      // Every product is a token of its own, made of tokens that were there before it.
      const std::array<Token, 3> next = {static_cast<Token>(random() % (3 + merge)),
                                         static_cast<Token>(random() % (3 + merge)), 3 + merge};
      merges.push_back(next);
      table.add(next[0], next[1], static_cast<uint32_t>(merge), next[2]);
    }
    for (const size_t size : {0, 1, 2, 5, 39, 40, 41, 42, 100, 300}) {
      MergeScratch scratch;
      for (size_t i = 0; i < size; ++i) scratch.word.push_back(static_cast<Token>(random() % 3));
      const auto expected = merged(merges, scratch.word);
      table.apply(&scratch);
      ASSERT_EQ(scratch.word, expected) << "round " << round << " size " << size;
    }
  }
}

}  // namespace
}  // namespace weir
