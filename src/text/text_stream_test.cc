#include "text/text_stream.h"

#include <gtest/gtest.h>

#include <random>

#include "text/small_vocabulary.h"
#include "text/utf8.h"

namespace weir {
namespace {

TEST(Utf8Stream, NeverEmitsHalfACharacter) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("a\xF0\x9F"), "a");
  EXPECT_EQ(stream.push("\x91"), "");
  EXPECT_EQ(stream.push("\x8D!"), "\xF0\x9F\x91\x8D!");
  EXPECT_EQ(stream.push("\xE4\xB8"), "");
  EXPECT_EQ(stream.flush(), kReplacementCharacter);
  EXPECT_EQ(stream.flush(), "");
}

TEST(Utf8Stream, PartsJoinToTheReplacedWhole) {
  std::mt19937 random(1);
  const std::string alphabet = "a\x80\xBF\x9F\x90\xC3\xE0\xE4\xED\xF0\xF4\xFF";
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (auto i = random() % 12; i > 0; --i) bytes += alphabet[random() % alphabet.size()];
    Utf8Stream stream;
    std::string joined;
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = 1 + random() % 3;
      joined += stream.push(std::string_view(bytes).substr(at, size));
      EXPECT_EQ(utf8_valid_length(joined), joined.size());
      at += size;
    }
    joined += stream.flush();
    EXPECT_EQ(joined, utf8_replace(bytes));
  }
}

TEST(TextStream, DropsTheAddedSpaceOnlyAtTheStart) {
  const auto data = sentencepiece_vocabulary({{"\u2581", 0}, {"\u2581a", 1}, {"a", 0}});
  const auto tokenizer = Tokenizer::create(data).value();
  const std::vector<Token> tokens = {1, 260, 260, 259, 261, 2};
  EXPECT_EQ(tokenizer->decode(tokens), "a a a");
  for (const bool continues : {false, true}) {
    TextStream stream(*tokenizer, {.continues = continues});
    std::string joined;
    for (const Token token : tokens) joined += stream.push(token);
    joined += stream.flush();
    EXPECT_EQ(joined, tokenizer->decode(tokens, {.continues = continues}));
    EXPECT_EQ(joined, continues ? " a a a" : "a a a");
  }
}

// The text before the stop string, and which one it was.
using Found = std::pair<std::string, std::optional<size_t>>;

Found run(std::vector<std::string> stops, const std::vector<std::string>& parts) {
  StopMatcher matcher(std::move(stops));
  std::string text;
  std::optional<size_t> stop;
  for (const std::string& part : parts) {
    const auto output = matcher.push(part);
    text += output.text;
    if (output.stop) stop = output.stop;
  }
  return {text + matcher.flush(), stop};
}

TEST(StopMatcher, HoldsBackWhatMayBecomeAStopString) {
  StopMatcher matcher({"stop!"});
  EXPECT_EQ(matcher.push("go st").text, "go ");
  EXPECT_EQ(matcher.push("o").text, "");
  EXPECT_EQ(matcher.push("re st").text, "store ");
  const auto hit = matcher.push("op! and more");
  EXPECT_EQ(hit.text, "");
  EXPECT_EQ(hit.stop, 0u);
  EXPECT_EQ(matcher.push("ignored").text, "");
  EXPECT_EQ(matcher.flush(), "");
}

TEST(StopMatcher, FirstToEndWinsThenTheLongest) {
  EXPECT_EQ(run({"abcd", "bc"}, {"xabcd"}), (Found{"xa", 1}));
  EXPECT_EQ(run({"bc", "abc"}, {"xa", "bc"}), (Found{"x", 1}));
  EXPECT_EQ(run({"aab"}, {"aa", "a", "ab"}), (Found{"aa", 0}));
  EXPECT_EQ(run({"", "x"}, {"abc"}), (Found{"abc", std::nullopt}));
  EXPECT_EQ(run({}, {"abc"}), (Found{"abc", std::nullopt}));
}

// Where a text ends by its first stop string: of those that end first the longest, which begins
// first.
Found found_by_search(const std::vector<std::string>& stops, const std::string& text) {
  for (size_t end = 1; end <= text.size(); ++end) {
    std::optional<size_t> hit;
    for (size_t i = 0; i < stops.size(); ++i)
      if (std::string_view(text).substr(0, end).ends_with(stops[i]) &&
          (!hit || stops[i].size() > stops[*hit].size()))
        hit = i;
    if (hit) return {text.substr(0, end - stops[*hit].size()), hit};
  }
  return {text, std::nullopt};
}

TEST(StopMatcher, FindsWhatASearchFindsAndDoesNotDependOnTheParts) {
  std::mt19937 random(2);
  const auto letters = [&](uint64_t size) {
    std::string text;
    for (; size > 0; --size) text += static_cast<char>('a' + random() % 2);
    return text;
  };
  for (int round = 0; round < 2000; ++round) {
    const std::vector<std::string> stops = {letters(1 + random() % 5), letters(1 + random() % 7)};
    const std::string text = letters(random() % 30);
    std::vector<std::string> parts;
    for (size_t at = 0; at < text.size(); at += parts.back().size()) {
      parts.push_back(text.substr(at, 1 + random() % 4));
    }
    EXPECT_EQ(run(stops, parts), found_by_search(stops, text)) << text;
    EXPECT_EQ(run(stops, {text}), found_by_search(stops, text)) << text;
  }
}

}  // namespace
}  // namespace weir
