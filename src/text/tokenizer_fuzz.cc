// Hostile vocabularies and texts: creating fails or gives a tokenizer whose parts agree.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdlib>

#include "text/control_guard.h"
#include "text/small_vocabulary.h"
#include "text/text_stream.h"
#include "text/utf8.h"

namespace weir {
namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

std::optional<Token> any_id(FuzzedDataProvider* input) {
  if (input->ConsumeBool()) return std::nullopt;
  return input->ConsumeIntegralInRange<Token>(-1, 400);
}

VocabularyData any_vocabulary(FuzzedDataProvider* input, bool llama) {
  const auto names = pre_tokenizer_names();
  VocabularyData data =
      llama ? sentencepiece_vocabulary({{"\u2581", -1}, {"a", -2}})
            : byte_level_vocabulary(
                  std::string(names[input->ConsumeIntegralInRange<size_t>(0, names.size() - 1)]));
  for (int i = input->ConsumeIntegralInRange(0, 20); i > 0; --i) {
    const auto type = static_cast<TokenType>(input->ConsumeIntegralInRange<int32_t>(0, 6));
    add_token(&data, input->ConsumeRandomLengthString(8), type,
              input->ConsumeFloatingPoint<float>());
  }
  for (int i = input->ConsumeIntegralInRange(0, 8); i > 0; --i) {
    const auto any_token = [&] {
      return data.tokens[input->ConsumeIntegralInRange<size_t>(0, data.tokens.size() - 1)];
    };
    const std::string left = any_token();
    const std::string right = any_token();
    data.merges.push_back(left + " " + right);
    if (input->ConsumeBool()) add_token(&data, left + right, TokenType::kNormal);
  }
  data.bos = any_id(input);
  data.eos = any_id(input);
  data.unknown = any_id(input);
  data.add_bos = input->ConsumeBool();
  data.add_space_prefix = input->ConsumeBool();
  return data;
}

// Whether each part of the parts is what the whole is.
void check_streams(const Tokenizer& tokenizer, const std::vector<Token>& tokens,
                   const DecodeOptions& options, const std::string& stop) {
  const std::string whole = tokenizer.decode(tokens, options);
  require(utf8_valid_length(whole) == whole.size());
  TextStream stream(tokenizer, options);
  StopMatcher matcher({stop});
  std::string joined;
  std::string before_stop;
  bool stopped = false;
  const auto add = [&](const std::string& part) {
    require(utf8_valid_length(part) == part.size());
    joined += part;
    const StopMatcher::Output output = matcher.push(part);
    before_stop += output.text;
    stopped |= output.stop.has_value();
  };
  for (const Token token : tokens) add(stream.push(token));
  add(stream.flush());
  before_stop += matcher.flush();
  require(joined == whole);
  const size_t at = stop.empty() ? std::string::npos : whole.find(stop);
  require(stopped == (at != std::string::npos));
  require(before_stop == whole.substr(0, at));
}

void check(const Tokenizer& tokenizer, const std::string& text, bool llama, bool normalizes,
           bool parse_special) {
  const auto tokens = tokenizer.encode(text, {.parse_special = parse_special});
  require(tokens.has_value());
  for (const Token token : *tokens) {
    require(token >= 0 && static_cast<size_t>(token) < tokenizer.vocab_size());
    require(parse_special || llama || !tokenizer.is_control(token));
  }
  const std::string bytes = tokenizer.decode_bytes(*tokens, {.skip_special = false});
  // Every byte has a token in these vocabularies, so that nothing is lost.
  if (!llama && !normalizes) require(bytes == text);
  require(unguard(tokenizer.guard(text)) == text);
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace weir;
  FuzzedDataProvider input(bytes, size);
  const bool llama = input.ConsumeBool();
  VocabularyData data = any_vocabulary(&input, llama);
  const bool normalizes = data.pre == "qwen2";
  const auto tokenizer = Tokenizer::create(std::move(data));
  if (!tokenizer.has_value()) return 0;
  const bool parse_special = input.ConsumeBool();
  const std::string stop = input.ConsumeRandomLengthString(4);
  const DecodeOptions options{.skip_special = input.ConsumeBool(),
                              .continues = input.ConsumeBool()};
  std::vector<Token> tokens;
  for (int i = input.ConsumeIntegralInRange(0, 40); i > 0; --i) {
    tokens.push_back(input.ConsumeIntegralInRange<Token>(-2, 400));
  }
  check_streams(**tokenizer, tokens, options, stop);
  check(**tokenizer, input.ConsumeRemainingBytesAsString(), llama, normalizes, parse_special);
  return 0;
}
