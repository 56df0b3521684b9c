#include "cli/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::cli {
namespace {

TEST(Utf8, TextIsAccepted) {
  for (std::string_view text : {"", "plain", "Grüße, 世界! 🦙", "\u0080\u07ff\u0800\uffff",
                                "\U00010000\U0010ffff", "\ufdd0\ufeff"})
    EXPECT_TRUE(check_utf8("x", text)) << text;
  EXPECT_TRUE(check_utf8("x", std::string_view("\0", 1)));
}

TEST(Utf8, TheFirstWrongByteIsNamed) {
  const std::pair<std::string_view, size_t> cases[] = {
      {"\xff\xfe", 0},         {"ab\x80", 2},           {"ü\xc3", 2},           {"\xe4\xb8", 0},
      {"a\xf0\x9f\x91", 1},    {"\xc0\x80", 0},         {"\xe0\x9f\xbf", 0},    {"\xed\xa0\x80", 0},
      {"\xf0\x8f\xbf\xbf", 0}, {"\xf4\x90\x80\x80", 0}, {"\xf5\x80\x80\x80", 0}};
  for (const auto& [text, byte] : cases) {
    const Status status = check_utf8("the prompt", text);
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error().code, Code::kInvalid);
    EXPECT_NE(status.error().message.find("the prompt is not UTF-8: byte " + std::to_string(byte)),
              std::string::npos)
        << status.error().message;
  }
}

}  // namespace
}  // namespace weir::cli
