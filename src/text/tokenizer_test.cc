#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "text/small_vocabulary.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<Tokenizer> make(VocabularyData data) {
  auto tokenizer = Tokenizer::create(std::move(data));
  EXPECT_TRUE(tokenizer.has_value()) << (tokenizer ? "" : tokenizer.error().message);
  return std::move(tokenizer).value();
}

std::vector<Token> bytes_as_tokens(std::string_view text) {
  std::vector<Token> tokens;
  for (const char byte : text) tokens.push_back(static_cast<uint8_t>(byte));
  return tokens;
}

std::string error_of(VocabularyData data) {
  const auto tokenizer = Tokenizer::create(std::move(data));
  return tokenizer.has_value() ? "no error" : tokenizer.error().message;
}

TEST(Tokenizer, MergesInsideOfWordsByRank) {
  const auto tokenizer = make(byte_level_vocabulary("gpt-2", {{"b", "c"}, {"a", "b"}, {"a", "Ġ"}}));
  EXPECT_THAT(tokenizer->encode("abc a").value(), ElementsAre('a', 256, ' ', 'a'));
  EXPECT_THAT(tokenizer->encode("abab").value(), ElementsAre(257, 257));
  EXPECT_TRUE(tokenizer->encode("").value().empty());
}

TEST(Tokenizer, EveryByteSurvives) {
  for (const std::string_view pre : pre_tokenizer_names()) {
    const auto tokenizer = make(byte_level_vocabulary(std::string(pre)));
    std::string text;
    for (int byte = 255; byte >= 0; --byte) text += static_cast<char>(byte);
    const auto tokens = tokenizer->encode(text).value();
    EXPECT_EQ(tokens, bytes_as_tokens(text));
    EXPECT_EQ(tokenizer->decode_bytes(tokens), text);
  }
}

TEST(Tokenizer, WholeWordsComeFirstWhereThePreTokenizerSaysSo) {
  auto data = byte_level_vocabulary("llama-bpe", {{"a", "b"}});
  add_token(&data, "abc", TokenType::kNormal);  // No merges lead here.
  EXPECT_THAT(make(data)->encode("abc abcd").value(), ElementsAre(257, ' ', 256, 'c', 'd'));
  data.pre = "qwen2";
  EXPECT_THAT(make(data)->encode("abc").value(), ElementsAre(256, 'c'));
}

TEST(Tokenizer, ControlTokensAreReadOnlyWhereAsked) {
  auto data = byte_level_vocabulary("llama-bpe");
  add_token(&data, "<|eot_id|>", TokenType::kControl);
  add_token(&data, "EOT", TokenType::kControl);  // One word: must not be found as a whole.
  add_token(&data, "<u>", TokenType::kUserDefined);
  const auto tokenizer = make(data);
  EXPECT_EQ(tokenizer->encode("<|eot_id|>").value(), bytes_as_tokens("<|eot_id|>"));
  EXPECT_EQ(tokenizer->encode("EOT").value(), bytes_as_tokens("EOT"));
  EXPECT_THAT(tokenizer->encode("<|eot_id|>EOT", {.parse_special = true}).value(),
              ElementsAre(256, 257));
  EXPECT_THAT(tokenizer->encode("a<u>").value(), ElementsAre('a', 258));
  EXPECT_TRUE(tokenizer->is_control(256));
  EXPECT_TRUE(tokenizer->is_end_of_generation(256));
  EXPECT_FALSE(tokenizer->is_control(258));
  EXPECT_EQ(tokenizer->decode(std::vector<Token>{256, 'a', 258}), "a<u>");
  EXPECT_EQ(tokenizer->piece(256, true), "<|eot_id|>");
  EXPECT_EQ(tokenizer->piece(256, false), "");
}

TEST(Tokenizer, GuardedControlTokensStayText) {
  auto data = byte_level_vocabulary("llama-bpe");
  add_token(&data, "<|end|>", TokenType::kControl);
  add_token(&data, "|>|", TokenType::kControl);  // Overlaps the one before.
  add_token(&data, "<u>", TokenType::kUserDefined);
  const auto tokenizer = make(data);
  const EncodeOptions prompt{.parse_special = true, .guarded = true};
  for (const std::string text :
       {"", "plain", "<|end|>", "<<|end|>|", "|>|>|", "<|end|><|end|>", "a\uFDD0b",
        "\uFDD0<|end|>\uFDD0", "\uFDD0\uFDD0", "<\uFDD0|end|>", "<u>"}) {
    const std::string guarded = tokenizer->guard(text);
    EXPECT_EQ(tokenizer->encode(guarded, prompt).value(), tokenizer->encode(text).value()) << text;
    auto expected = tokenizer->encode(text).value();
    expected.push_back(256);  // The template's own is still read.
    EXPECT_EQ(tokenizer->encode(guarded + "<|end|>", prompt).value(), expected) << text;
  }
  EXPECT_EQ(tokenizer->guard("plain <u>"), "plain <u>");
  // Nor do two texts together spell one, however a template joins them.
  for (const auto& [first, second] : std::vector<std::pair<std::string, std::string>>{
           {"<", "|end|>"}, {"<|e", "nd|>"}, {"a<<|end|", ">"}, {"|", ">|"}, {"<|end|>|", ">|"}}) {
    EXPECT_EQ(tokenizer->encode(tokenizer->guard(first) + tokenizer->guard(second), prompt).value(),
              tokenizer->encode(first + second).value())
        << first << " " << second;
    const std::string spaced = tokenizer->guard(first + " \n");
    EXPECT_EQ(tokenizer->encode(spaced.substr(0, spaced.size() - 2) + second, prompt).value(),
              tokenizer->encode(first + second).value());
  }
}

TEST(Tokenizer, Qwen2ReadsComposedCharacters) {
  const auto composed = bytes_as_tokens("\u00E9 \uAC00");
  const std::string apart = "e\u0301 \u1100\u1161";
  EXPECT_EQ(make(byte_level_vocabulary("qwen2"))->encode(apart).value(), composed);
  EXPECT_EQ(make(byte_level_vocabulary("gpt-2"))->encode(apart).value(), bytes_as_tokens(apart));
}

TEST(Tokenizer, MergesNeverMakeAControlToken) {
  auto data = byte_level_vocabulary("gpt-2", {{"a", "b"}});
  data.token_types[256] = static_cast<int32_t>(TokenType::kControl);
  EXPECT_THAT(make(data)->encode("ab").value(), ElementsAre('a', 'b'));
}

TEST(Tokenizer, AddsBosAndEosWhereTheVocabularyAsks) {
  auto data = byte_level_vocabulary("gpt-2");
  add_token(&data, "<s>", TokenType::kControl);
  data.bos = data.eos = 256;
  EXPECT_THAT(make(data)->encode("a", {.add_special = true}).value(), ElementsAre('a'));
  data.pre = "llama-bpe";
  EXPECT_THAT(make(data)->encode("a", {.add_special = true}).value(), ElementsAre(256, 'a'));
  data.add_bos = false;
  data.add_eos = true;
  EXPECT_THAT(make(data)->encode("a", {.add_special = true}).value(), ElementsAre('a', 256));
  EXPECT_THAT(make(data)->encode("a").value(), ElementsAre('a'));
}

TEST(Tokenizer, SentencePieceMergesByScoreAndFallsBackToBytes) {
  const auto tokenizer = make(sentencepiece_vocabulary(
      {{"\u2581", -5}, {"a", -5}, {"b", -5}, {"ab", -2}, {"\u2581a", -1}, {"bb", -3}}));
  EXPECT_THAT(tokenizer->encode("ab").value(), ElementsAre(263, 261));
  EXPECT_THAT(tokenizer->encode("\xC3\xA9").value(), ElementsAre(259, 3 + 0xC3, 3 + 0xA9));
  EXPECT_THAT(tokenizer->encode("a</s>a", {.parse_special = true}).value(),
              ElementsAre(263, 2, 263));
  EXPECT_EQ(tokenizer->decode(tokenizer->encode("ab bb\xC3\xA9 ").value()), "ab bb\xC3\xA9 ");
  EXPECT_EQ(tokenizer->decode(std::vector<Token>{263}, {.continues = true}), " a");
  // A byte token that is a space is text, not the space that encode() adds.
  EXPECT_EQ(tokenizer->decode(std::vector<Token>{3 + ' '}), " ");
}

TEST(Tokenizer, LongRunsTakeNoQuadraticTime) {
  std::vector<std::pair<std::string, std::string>> merges;
  for (std::string run = "a"; run.size() <= 1024; run += run) merges.emplace_back(run, run);
  const auto byte_level = make(byte_level_vocabulary("deepseek-llm", merges));
  const std::string letters(1 << 20, 'a');
  EXPECT_EQ(byte_level->encode(letters).value().size(), 512u);
  EXPECT_EQ(byte_level->encode(std::string(1 << 20, ' ') + "x").value().size(), (1u << 20) + 1);
  std::vector<std::pair<std::string, float>> pieces;
  for (std::string run = "a"; run.size() <= 1024; run += run) pieces.emplace_back(run, run.size());
  EXPECT_EQ(make(sentencepiece_vocabulary(pieces))->encode(letters).value().size(), 1024u + 3);
}

TEST(Tokenizer, RefusesTextBeyondTheBound) {
  const auto tokenizer = make(byte_level_vocabulary("gpt-2"));
  const std::string text(kEncodeBytesMax + 1, 'a');
  EXPECT_EQ(tokenizer->encode(text).error().code, Code::kInvalid);
}

TEST(Tokenizer, TokensOutsideTheVocabularyGiveNothing) {
  const auto tokenizer = make(byte_level_vocabulary("gpt-2"));
  EXPECT_EQ(tokenizer->decode(std::vector<Token>{-1, 'a', 256, std::numeric_limits<Token>::max()}),
            "a");
  EXPECT_FALSE(tokenizer->is_end_of_generation(-1));
  EXPECT_FALSE(tokenizer->is_control(1 << 30));
}

TEST(Tokenizer, DigestTellsVocabulariesApart) {
  auto data = byte_level_vocabulary("gpt-2", {{"a", "b"}, {"b", "c"}});
  const std::string digest = make(data)->digest();
  EXPECT_EQ(make(data)->digest(), digest);
  data.pre = "qwen2";
  EXPECT_NE(make(data)->digest(), digest);
  data.pre = "gpt-2";
  std::swap(data.merges[0], data.merges[1]);
  EXPECT_NE(make(data)->digest(), digest);
}

TEST(HostileVocabulary, ByteTokensAreReadStrictly) {
  for (const char* bad : {"<0x-1>", "<0xZZ>", "<0xFFF>", "<0x4>", "<0xab>", "<0X41>", "", "a"}) {
    auto data = sentencepiece_vocabulary({{"a", 0}});
    data.tokens[3] = bad;
    EXPECT_THAT(error_of(data), HasSubstr("tokens[3]")) << bad;
  }
  auto data = sentencepiece_vocabulary({{"a", 0}});
  data.tokens[3 + 0x41] = "<0x42>";
  EXPECT_THAT(error_of(data), HasSubstr("not <0x41>"));
}

TEST(HostileVocabulary, ListsAndIdsAreChecked) {
  const auto good = sentencepiece_vocabulary({{"a", 0}});
  auto data = good;
  data.tokens.clear();
  EXPECT_THAT(error_of(data), HasSubstr("tokenizer.ggml.tokens"));
  data = good;
  data.token_types.pop_back();
  EXPECT_THAT(error_of(data), HasSubstr("token_type"));
  data = good;
  data.token_types[5] = 7;
  EXPECT_THAT(error_of(data), HasSubstr("token_type[5] is 7"));
  data = good;
  data.scores[4] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(error_of(data), HasSubstr("scores[4]"));
  data = good;
  data.scores.clear();
  EXPECT_THAT(error_of(data), HasSubstr("scores is missing"));
  for (const Token id : {-1, 260, std::numeric_limits<Token>::max()}) {
    data = good;
    data.bos = id;
    EXPECT_THAT(error_of(data), HasSubstr("bos_token_id")) << id;
  }
  data = good;
  data.bos.reset();
  data.add_bos = true;
  EXPECT_THAT(error_of(data), HasSubstr("add_bos_token"));
  data = good;
  data.tokens.back() = std::string(10 << 20, 'x');
  EXPECT_THAT(error_of(data), HasSubstr("tokens[259] has 10485760 bytes"));
  data = good;
  data.model = "bert";
  EXPECT_THAT(error_of(data), HasSubstr("'bert'"));
}

TEST(HostileVocabulary, MergesMustBeOfTokens) {
  for (const char* bad : {"", " ", "a", "a ", " a", "a b c", "a b", "zz a", "a zz"}) {
    auto data = byte_level_vocabulary("gpt-2", {{"b", "c"}});
    data.merges.push_back(bad);
    EXPECT_THAT(error_of(data), HasSubstr("merges[1]")) << bad;
  }
}

TEST(HostileVocabulary, DoublesAndEmptyTokensHaveAMeaning) {
  auto data = byte_level_vocabulary("gpt-2", {{"a", "b"}, {"a", "b"}});
  add_token(&data, "", TokenType::kNormal);
  add_token(&data, "", TokenType::kControl);
  const auto tokenizer = make(data);
  EXPECT_THAT(tokenizer->encode("ab", {.parse_special = true}).value(), ElementsAre(256));
  EXPECT_EQ(tokenizer->decode(std::vector<Token>{257, 258, 259}), "ab");
}

}  // namespace
}  // namespace weir
