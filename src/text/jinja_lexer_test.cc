#include "text/jinja_lexer.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::jinja {
namespace {

// The tokens' texts, each followed by a bar.
std::string tokens(std::string_view source) {
  const auto found = tokenize(source);
  if (!found) return found.error().message;
  std::string out;
  for (const Token& token : *found) out += token.text + "|";
  return out;
}

TEST(JinjaLexer, TakesTheLongestOperator) {
  EXPECT_EQ(tokens("{{ a**b//c<=d!=e }}"), "|a|**|b|//|c|<=|d|!=|e|||");
}

TEST(JinjaLexer, ReadsNumbers) {
  EXPECT_EQ(tokens("{{ 1_000 0x1F 1e3 1.5e-3 2.a a.0.1 007 }}"),
            "|1000|0x1F|1e3|1.5e-3|2|.|a|a|.|0|.|1|00|7|||");
}

TEST(JinjaLexer, UnescapesStrings) {
  EXPECT_EQ(tokens(R"({{ 'a\n\x41\u00e9\101\q\'' "é" }})"), "|a\nAéA\\q'|é|||");
}

TEST(JinjaLexer, ClosesOnlyOutsideBrackets) {
  EXPECT_EQ(tokens("{{ {'a': {}}}}"), "|{|a|:|{|}|}|||");
}

TEST(JinjaLexer, CountsLines) {
  const auto found = tokenize("a\n{# b\n #}\n{{ '\n' }}\n{%- set x\n= 1 %}");
  ASSERT_TRUE(found);
  int set_line = 0;
  int one_line = 0;
  for (const Token& token : *found) {
    if (token.text == "set") set_line = token.line;
    if (token.text == "1") one_line = token.line;
  }
  EXPECT_EQ(set_line, 6);
  EXPECT_EQ(one_line, 7);
}

}  // namespace
}  // namespace weir::jinja
