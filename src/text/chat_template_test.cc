#include "text/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace weir {
namespace {

using testing::HasSubstr;

std::string repeat(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

Result<std::string> render(std::string_view source, std::string_view variables = "{}") {
  WEIR_ASSIGN(const ChatTemplate parsed, ChatTemplate::parse(source));
  ChatTemplateInput input;
  input.extra = boost::json::parse(variables).as_object();
  return parsed.render(input);
}

// The text, or "error: message".
std::string shown(std::string_view source, std::string_view variables = "{}") {
  const auto text = render(source, variables);
  return text ? *text : "error: " + text.error().message;
}

struct Case {
  std::string source;
  std::string text;
};

void expect_all(std::initializer_list<Case> cases) {
  for (const Case& c : cases) EXPECT_EQ(shown(c.source), c.text) << c.source;
}

TEST(ChatTemplate, SeesTheConversation) {
  const auto parsed = ChatTemplate::parse(
      "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m['content'] }}{% endfor %}"
      "{% if add_generation_prompt %}<model>{% endif %}{{ tools }}{{ extra }}{{ eos_token }}");
  ASSERT_TRUE(parsed);
  ChatTemplateInput input;
  input.messages = boost::json::parse(R"([{"role": "user", "content": "Grüße"}])");
  input.add_generation_prompt = true;
  input.bos_token = "[";
  input.eos_token = "]";
  input.extra["extra"] = 1.5;
  EXPECT_EQ(parsed->render(input).value(), "[<user>Grüße<model>None1.5]");
}

TEST(ChatTemplate, KeepsTheOrderOfKeys) {
  EXPECT_EQ(shown("{{ x | tojson }}", R"({"x": {"b": 1, "a": [null, true, 0.5], "c": "é\n"}})"),
            R"({"b": 1, "a": [null, true, 0.5], "c": "é\n"})");
}

TEST(ChatTemplate, TrimsLinesAsJinja2Does) {
  expect_all({{"a\n  {% if true %}\nb\n  {% endif %}\nc\n", "a\nb\nc"},
              {"a\n  {%+ if true %}b{% endif +%}\nc", "a\n  b\nc"},
              {"a \n {%- if true -%} \n b {%- endif -%} \n c", "abc"},
              {"a\n  {{ 1 }}\nb", "a\n  1\nb"},
              {"a\n  {# note #}\nb\r\nc\r\n", "a\nb\nc"},
              {"{% raw %}{{ x }}{% endraw %}\n!", "{{ x }}!"}});
}

TEST(ChatTemplate, PrintsAsPythonDoes) {
  expect_all({{"{{ [1, 2.0, none, true, 'it\\'s', (1,), {'a': []}] }}",
               "[1, 2.0, None, True, \"it's\", (1,), {'a': []}]"},
              {"{{ 1e16 }} {{ 1e-5 }} {{ 0.1 + 0.2 }} {{ 7 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }}",
               "1e+16 1e-05 0.30000000000000004 3.5 -4 2"},
              {"{{ 'a\\x7f\\u200b' | list }}", "['a', '\\x7f', '\\u200b']"},
              {"{{ missing }}|{{ missing is defined }}", "|False"}});
}

TEST(ChatTemplate, LoopsKnowWhereTheyAre) {
  expect_all(
      {{"{% for x in 'abc' %}{{ loop.index }}{{ loop.last }}{{ loop.previtem }}{% endfor %}",
        "1False2Falsea3Trueb"},
       {"{% for x in [1, 2, 3, 4] if x % 2 %}{{ loop.length }}{{ x }}{% else %}-{% endfor %}",
        "2123"},
       {"{% for x in [] %}{% else %}none{% endfor %}", "none"},
       {"{% for x in [1, 2, 3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
        "13"},
       {"{% for a, (b, c) in [(1, (2, 3))] %}{{ a + b + c }}{% endfor %}", "6"},
       {"{% set x = 0 %}{% for i in [1, 2] %}{{ x }}{% set x = i %}{% endfor %}{{ x }}", "000"},
       {"{% set n = namespace(x=0) %}{% for i in [1, 2] %}{% set n.x = i %}{% endfor %}{{ n.x }}",
        "2"}});
}

TEST(ChatTemplate, MacrosSeeTheirScope) {
  expect_all({{"{% macro m(a, b='B') %}{{ a }}{{ b }}{{ x }}{% endmacro %}{% set x = 1 %}"
               "{{ m('A') }}{{ m(b=2, a=1) }}",
               "AB1121"},
              {"{% macro m() %}<{{ caller(7) }}>{% endmacro %}"
               "{% call(n) m() %}{{ n }}{% endcall %}",
               "<7>"},
              {"{% set x %}a{{ 1 }}{% endset %}{{ x | upper }}", "A1"}});
  // A name that the block sets is its own from the start.
  EXPECT_EQ(shown("{% set x %}[{{ x }}]{% endset %}{{ x }}", R"({"x": "outside"})"), "[]");
}

TEST(ChatTemplate, TheSandboxIsImmutable) {
  EXPECT_THAT(shown("{% set l = [1] %}{{ l.append(2) }}"), HasSubstr("unsafe"));
  EXPECT_THAT(shown("{{ ''.__class__ }}{{ ''.__class__() }}"), HasSubstr("unsafe"));
  EXPECT_THAT(shown("{% set x = {} %}{% set x.a = 1 %}"), HasSubstr("non-namespace"));
}

TEST(ChatTemplate, RaisesTheTemplatesOwnMessage) {
  const auto text = render("\n{{ raise_exception('Roles must ' ~ 'alternate') }}");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, Code::kInvalid);
  EXPECT_EQ(text.error().message, "Roles must alternate");
}

TEST(ChatTemplate, TellsTheTimeItIsGiven) {
  const auto parsed = ChatTemplate::parse("{{ strftime_now('%d %b %Y %H:%M:%S.%f%z%%') }}");
  ASSERT_TRUE(parsed);
  ChatTemplateInput input;
  input.now = std::chrono::sys_seconds(std::chrono::seconds(1'721'900'000));
  EXPECT_EQ(parsed->render(input).value(), "25 Jul 2024 09:33:20.000000%");
}

TEST(ChatTemplate, ErrorsHaveTheLine) {
  EXPECT_THAT(shown("a\nb{{ 1 | nosuch }}"), HasSubstr("line 2: no filter named 'nosuch'"));
  EXPECT_THAT(shown("\n\n{{ x.y.z }}"), HasSubstr("line 3: 'x' is undefined"));
  EXPECT_THAT(shown("{% if x %}\n"), HasSubstr("expected elif or else or endif"));
  EXPECT_THAT(shown("{{ 'a' + 1 }}"), HasSubstr("can only concatenate str"));
}

TEST(ChatTemplate, RefusesWhatIsNoTemplate) {
  for (const char* source : {"{{",
                             "{% if",
                             "{% for x in %}{% endfor %}",
                             "{# ",
                             "{% raw %}",
                             "{{ 'a }}",
                             "{{ (1 }}",
                             "{{ 1) }}",
                             "{% endif %}",
                             "{% nosuch %}",
                             "{% include 'a' %}",
                             "{% extends 'a' %}",
                             "{% set 1 = 2 %}",
                             "{% set none = 2 %}",
                             "{% break %}",
                             "{{ a is b is c }}",
                             "{{ 1 ? }}",
                             "{{ '\\ud800' }}",
                             "{{ '\\x4' }}",
                             "{{ 99999999999999999999 }}",
                             "{{ f(a=1, 2) }}",
                             "{% macro m(a=1, b) %}{% endmacro %}",
                             "{% for x in y recursive %}{% endfor %}",
                             "{{ }}",
                             "{{ a. }}",
                             "{{ a[ }}",
                             "{{ {1} }}",
                             "{% call 1 %}{% endcall %}"}) {
    EXPECT_THAT(shown(source), HasSubstr("error: chat template, line 1")) << source;
  }
}

TEST(ChatTemplate, BoundsWhatHostileTemplatesUse) {
  for (const char* source :
       {"{{ 'a' * 10**9 }}", "{{ [0] * 10**12 }}", "{{ range(10**9) }}", "{{ 2 ** 64 }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x * 9 %}{% endfor "
        "%}",
        "{% set n = namespace(x=[1]) %}{% for i in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor "
        "%}"
        "{{ n.x }}",
        "{% set n = namespace(x=[1]) %}{% for i in range(9999) %}{% set n.x = [n.x] %}{% endfor %}"
        "{{ n.x | tojson }}",
        "{% set n = namespace() %}{% set n.x = n %}{{ n }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for i in range(99999) %}{{ 'x' * 99999 }}{% endfor %}", "{{ '%999999999d' % 1 }}",
        "{{ 'x' | center(10**10) }}", "{{ [1] | batch(10**12, 0) | list }}",
        "{{ 'a' | indent(10**9) }}", "{{ strftime_now('%999999d') }}"}) {
    EXPECT_THAT(shown(source), HasSubstr("error: ")) << source;
  }
}

TEST(ChatTemplate, BoundsDepth) {
  const int deep = 100'000;
  const auto nested = [](const char* open, const char* close) {
    return repeat(open, 30'000) + repeat(close, 30'000);
  };
  EXPECT_THAT(shown("{{ " + nested("(", ")") + " }}"), HasSubstr("nest"));
  EXPECT_THAT(shown("{{ " + nested("[", "]") + " }}"), HasSubstr("nest"));
  EXPECT_THAT(shown(nested("{% if 1 %}", "{% endif %}")), HasSubstr("nest"));
  EXPECT_THAT(shown("{{ " + repeat("not ", deep) + "1 }}"), HasSubstr("nest"));
  EXPECT_THAT(shown("{{ " + repeat("-", deep) + "1 }}"), HasSubstr("nest"));
  EXPECT_THAT(shown("{{ 1" + repeat("+1", deep) + " }}"), HasSubstr("operations"));
  EXPECT_THAT(shown("{{ 1" + repeat("|e", deep) + " }}"), HasSubstr("operations"));
  EXPECT_THAT(shown("{{ a" + repeat(".a", deep) + " }}"), HasSubstr("operations"));
  EXPECT_THAT(shown("{{ 'a' | map(" + repeat("'map', ", deep) + "'e') | first }}"),
              HasSubstr("steps"));
  EXPECT_THAT(shown("{{ 'a' | map(" + repeat("'map', ", 2000) + "'e') | first }}"),
              HasSubstr("nests or calls itself"));
}

TEST(ChatTemplate, BoundsTheSource) {
  EXPECT_THAT(shown(repeat("x", (1 << 20) + 1)), HasSubstr("1048577 bytes"));
}

TEST(ChatTemplate, BoundsNumbersAndDepthOfJson) {
  EXPECT_EQ(shown("{{ x }}", R"({"x": 9223372036854775807})"), "9223372036854775807");
  const auto big = render("{{ x }}", R"({"x": [18446744073709551615]})");
  ASSERT_FALSE(big);
  EXPECT_EQ(big.error().param, "x");
  ChatTemplateInput input;
  for (int i = 0; i < 300; ++i) input.messages = boost::json::array{input.messages};
  const auto deep = ChatTemplate::parse("x")->render(input);
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().param, "messages");
}

TEST(ChatTemplate, RendersInManyThreads) {
  const ChatTemplate parsed =
      ChatTemplate::parse("{% for i in range(50) %}{{ 'x' ~ i }}{% endfor %}").value();
  const std::string expected = parsed.render({}).value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 20; ++k) EXPECT_EQ(parsed.render({}).value(), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace weir
