#include "cli/streamed_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::cli {
namespace {

// What is shown after each prefix, joined by '|'.
std::string shown(const std::vector<std::string>& prefixes, std::vector<std::string> stop) {
  StreamedText text(std::move(stop));
  std::string out;
  for (const std::string& prefix : prefixes) out += text.advance(prefix) + "|";
  return out + text.finish();
}

TEST(StreamedText, ShowsWhatIsNew) {
  EXPECT_EQ(shown({"Hel", "Hello", "Hello", "Hello you"}, {}), "Hel|lo|| you|");
}

TEST(StreamedText, HoldsHalfACharacter) {
  EXPECT_EQ(shown({"a\xEF\xBF\xBD", "a\xC3\xA9"}, {}), "a|\xC3\xA9|");
  EXPECT_EQ(shown({"a\xEF\xBF\xBD"}, {}), "a|\xEF\xBF\xBD");  // It never came.
}

TEST(StreamedText, StopsBeforeAStopText) {
  EXPECT_EQ(shown({"one EN", "one END two"}, {"END"}), "one ||");
  EXPECT_EQ(shown({"one EN", "one ENT"}, {"END"}), "one |ENT|");
  EXPECT_EQ(shown({"one EN"}, {"END"}), "one |EN");
  EXPECT_EQ(shown({"a b c"}, {"c", "b"}), "a |");  // The first of several.
  EXPECT_EQ(shown({"aab", "aabaab", "aabaabc"}, {"aabc"}), "|aab||");
}

TEST(StreamedText, TellsThatItStopped) {
  StreamedText text({"x"});
  text.advance("ab");
  EXPECT_FALSE(text.stopped());
  text.advance("abx");
  EXPECT_TRUE(text.stopped());
  EXPECT_EQ(text.text(), "ab");
  EXPECT_EQ(text.advance("abxc"), "");
}

}  // namespace
}  // namespace weir::cli
