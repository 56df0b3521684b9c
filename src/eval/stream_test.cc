#include "eval/stream.h"

#include <gtest/gtest.h>

namespace weir::eval {
namespace {

std::vector<std::pair<int, int>> buckets(uint32_t tokens) {
  std::vector<std::pair<int, int>> out;
  for (const Bucket& b : position_buckets(tokens)) out.emplace_back(b.first, b.last);
  return out;
}

TEST(PositionBuckets, DoubleAndEndWithTheText) {
  using Pairs = std::vector<std::pair<int, int>>;
  EXPECT_EQ(buckets(64), (Pairs{{1, 64}}));
  EXPECT_EQ(buckets(512), (Pairs{{1, 256}, {257, 512}}));
  EXPECT_EQ(buckets(1100), (Pairs{{1, 256}, {257, 512}, {513, 1024}, {1025, 1100}}));
}

}  // namespace
}  // namespace weir::eval
