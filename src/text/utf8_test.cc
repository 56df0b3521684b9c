#include "text/utf8.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Utf8, StepTellsCharactersFromIllFormedAndCutOnes) {
  const auto kind = [](std::string_view text) { return utf8_step(text).kind; };
  for (const char* whole :
       {"a", "\xC3\xA9", "\xE4\xB8\xAD", "\xF0\x9F\x91\x8D", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(kind(whole), Utf8Kind::kCharacter);
    EXPECT_EQ(utf8_step(whole).length, std::string_view(whole).size());
  }
  for (const char* cut : {"\xC3", "\xE4\xB8", "\xF0\x9F\x91", "\xF0", "\xED\x9F"}) {
    EXPECT_EQ(kind(cut), Utf8Kind::kCut);
  }
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3("}) {
    EXPECT_EQ(kind(bad), Utf8Kind::kIllFormed);
    EXPECT_EQ(utf8_step(bad).length, 1u);
  }
  EXPECT_EQ(utf8_step("\xF0\x9F\x91(").length, 3u);
}

// The expected texts are those of Python's bytes.decode("utf-8", "replace").
TEST(Utf8, ReplaceFollowsPython) {
  const std::string r(kReplacementCharacter);
  EXPECT_EQ(utf8_replace("a\xFF"
                         "b"),
            "a" + r + "b");
  EXPECT_EQ(utf8_replace("\xE4\xB8"), r);
  EXPECT_EQ(utf8_replace("\xE4\xB8\xE4\xB8\xAD"), r + "\xE4\xB8\xAD");
  EXPECT_EQ(utf8_replace("\xED\xA0\x80"), r + r + r);
  EXPECT_EQ(utf8_replace("\xF0\x9F\x91\xF0\x9F"), r + r);
  EXPECT_EQ(utf8_replace("\xC0\x80"), r + r);
}

TEST(Utf8, ValidLengthStopsBeforeTheFirstIllFormedPart) {
  EXPECT_EQ(utf8_valid_length("a\xC3\xA9\xE4\xB8"), 3u);
  EXPECT_EQ(utf8_valid_length("\x80"), 0u);
  EXPECT_EQ(utf8_valid_length(""), 0u);
}

}  // namespace
}  // namespace weir
