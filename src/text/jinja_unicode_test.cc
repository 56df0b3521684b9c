#include "text/jinja_unicode.h"

#include <gtest/gtest.h>

namespace weir::jinja {
namespace {

TEST(JinjaUnicode, ConvertsCaseAsPythonDoes) {
  EXPECT_EQ(upper("straße ŉ ǆ"), "STRASSE ʼN Ǆ");
  EXPECT_EQ(lower("ΟΔΥΣΣΕΥΣ ΑΣ. Σ İ"), "οδυσσευς ας. σ i̇");
  EXPECT_EQ(title("ǆungla don't x2y"), "ǅungla Don'T X2Y");
  EXPECT_EQ(capitalize("ßA"), "Ssa");
  EXPECT_EQ(swapcase("aBß"), "AbSS");
}

TEST(JinjaUnicode, CountsBrokenBytesOneByOne) {
  EXPECT_EQ(char_count("a\xff\xc3(\xf0\x9f\xa6\x8a"), 5U);
  EXPECT_EQ(char_offset("é🦊x", 2), 6U);
  std::size_t at = 0;
  EXPECT_EQ(next_char("\xe2\x82", at), U'\xFFFD');
  EXPECT_EQ(at, 1U);
}

TEST(JinjaUnicode, Strips) {
  EXPECT_EQ(rstrip(lstrip("\u2003 a\u00a0b\x1c\n")), "a\u00a0b");
  EXPECT_EQ(lstrip("ééxé", "é"), "xé");
  EXPECT_EQ(rstrip("ééxé", "é"), "ééx");
  EXPECT_EQ(rstrip("\xa9\xa9", "é"), "\xa9\xa9");
}

TEST(JinjaUnicode, FindsText) {
  EXPECT_EQ(find_text("abab", "ab", 1), 2U);
  EXPECT_EQ(find_text("ab", ""), 0U);
  EXPECT_EQ(find_text("ab", "c"), std::string_view::npos);
  EXPECT_EQ(find_text("ab", "b", 9), std::string_view::npos);
}

}  // namespace
}  // namespace weir::jinja
