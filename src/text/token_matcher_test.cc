#include "text/token_matcher.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(TokenMatcher, TakesTheLongestAtThePlace) {
  const TokenMatcher matcher({{"a", 1}, {"abc", 2}, {"abd", 3}, {"b", 4}});
  EXPECT_EQ(matcher.match("abcd")->token, 2);
  EXPECT_EQ(matcher.match("abx")->token, 1);
  EXPECT_EQ(matcher.match("ab")->length, 1u);
  EXPECT_FALSE(matcher.match("xab").has_value());
  EXPECT_FALSE(matcher.match("").has_value());
}

TEST(TokenMatcher, FindsTheLeftmost) {
  const TokenMatcher matcher({{"<a>", 1}, {"\xFF\x80", 2}});
  const auto found = matcher.find("<<a><a>", 0);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->offset, 1u);
  EXPECT_EQ(found->length, 3u);
  EXPECT_EQ(matcher.find("<<a><a>", 2)->offset, 4u);
  EXPECT_EQ(matcher.find("x\xFF\x80", 0)->token, 2);
  EXPECT_FALSE(matcher.find("<<a", 0).has_value());
  EXPECT_FALSE(TokenMatcher().find("abc", 0).has_value());
}

TEST(TokenMatcher, OfEqualTextsTheLowestTokenCounts) {
  EXPECT_EQ(TokenMatcher({{"x", 7}, {"x", 3}}).match("x")->token, 3);
}

}  // namespace
}  // namespace weir
