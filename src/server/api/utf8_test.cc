#include "server/api/utf8.h"

#include <gtest/gtest.h>

namespace weir::server {
namespace {

TEST(Utf8, WellFormed) {
  for (const char* good : {"", "a", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF",
                           "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(is_valid_utf8(good)) << good;
}

TEST(Utf8, IllFormed) {
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xFF"}) {
    EXPECT_FALSE(is_valid_utf8(bad));
    EXPECT_TRUE(is_valid_utf8(to_valid_utf8(bad)));
  }
  EXPECT_EQ(to_valid_utf8("a\xE2\x82z\xFF"), "a\xEF\xBF\xBDz\xEF\xBF\xBD");
}

TEST(Utf8, Characters) {
  EXPECT_EQ(count_characters("a\xC3\xA4\xF0\x9F\x98\x80"), 3u);
  EXPECT_EQ(count_characters("\x9F\x98"), 0u);
}

TEST(Utf8, TheFirstInvalidByteIsFound) {
  EXPECT_EQ(valid_utf8_bytes("ab\xC3\xA9"), 4u);
  EXPECT_EQ(valid_utf8_bytes("ab\xC3\xA9\xFFz"), 4u);
  EXPECT_EQ(valid_utf8_bytes("ab\xC3"), 2u);
  EXPECT_EQ(valid_utf8_bytes(""), 0u);
}

}  // namespace
}  // namespace weir::server
