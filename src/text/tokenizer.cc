#include "text/tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/byte_level_bpe.h"
#include "text/control_guard.h"
#include "text/sentencepiece_bpe.h"
#include "text/token_matcher.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

namespace weir {
namespace {

// Tokens that end a turn or a text in the models of our kinds, though the file may name only one.
constexpr std::array<std::string_view, 12> kEndNames = {
    "<|endoftext|>", "<|end_of_text|>", "<|im_end|>",    "<|eot_id|>",
    "<|eom_id|>",    "<|end|>",         "<end_of_turn>", "<|EOT|>",
    "<EOT>",         "<|eot|>",         "</s>",          "<｜end▁of▁sentence｜>"};

bool is_end_name(std::string_view text) {
  return std::find(kEndNames.begin(), kEndNames.end(), text) != kEndNames.end();
}

bool is_any_of(Token token, std::initializer_list<std::optional<Token>> ids) {
  return std::find(ids.begin(), ids.end(), std::optional(token)) != ids.end();
}

// Tokens of these types that `wanted` accepts, to be found in text.
template <typename Wanted>
TokenMatcher matcher_of(const VocabularyData& data, Wanted wanted) {
  std::vector<std::pair<std::string, Token>> entries;
  for (size_t token = 0; token < data.tokens.size(); ++token) {
    if (data.tokens[token].empty() || !wanted(type_of(data, token))) continue;
    entries.emplace_back(data.tokens[token], static_cast<Token>(token));
  }
  return TokenMatcher(std::move(entries));
}

Result<std::unique_ptr<const PlainEncoder>> make_encoder(const VocabularyData& data) {
  if (data.model == "gpt2") return ByteLevelBpe::create(data);
  if (data.model == "llama") return SentencePieceBpe::create(data);
  return fail(Code::kInvalid,
              fmt::format("tokenizer.ggml.model is '{}'; weir knows gpt2 and llama", data.model));
}

}  // namespace

struct Tokenizer::Parts {
  std::unique_ptr<const PlainEncoder> encoder;
  TokenMatcher added;  // Found in every text.
  TokenMatcher control;
  TokenMatcher added_and_control;  // Found where control tokens may be written out.
  std::vector<std::string> names;  // Of control tokens; of others empty.
  std::vector<TokenType> types;
  std::vector<bool> ends;
  std::optional<Token> bos, eos;
  bool adds_bos, adds_eos, adds_space_prefix;
  std::string digest;
};

Tokenizer::Tokenizer(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::~Tokenizer() = default;

Result<std::unique_ptr<Tokenizer>> Tokenizer::create(VocabularyData data) {
  WEIR_TRY(check_vocabulary(data));
  auto parts = std::make_unique<Parts>();
  WEIR_ASSIGN(parts->encoder, make_encoder(data));
  const bool llama = data.model == "llama";
  // SentencePiece finds its user-defined tokens itself, after it has rewritten the spaces.
  const auto is_added = [&](TokenType type) { return !llama && type == TokenType::kUserDefined; };
  parts->added = matcher_of(data, is_added);
  parts->control = matcher_of(data, [](TokenType type) { return type == TokenType::kControl; });
  parts->added_and_control = matcher_of(
      data, [&](TokenType type) { return is_added(type) || type == TokenType::kControl; });
  for (size_t token = 0; token < data.tokens.size(); ++token) {
    const TokenType type = type_of(data, token);
    const bool special = is_control_type(type) || type == TokenType::kUserDefined;
    parts->types.push_back(type);
    parts->names.push_back(is_control_type(type) ? data.tokens[token] : std::string());
    parts->ends.push_back(is_any_of(static_cast<Token>(token), {data.eos, data.eot, data.eom}) ||
                          (special && is_end_name(data.tokens[token])));
  }
  parts->bos = data.bos;
  parts->eos = data.eos;
  parts->adds_bos = data.add_bos.value_or(data.bos && (llama || data.pre == "llama-bpe"));
  parts->adds_eos = data.add_eos.value_or(false);
  parts->adds_space_prefix = llama && data.add_space_prefix.value_or(true);
  parts->digest = vocabulary_digest(data);
  return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(parts)));
}

Result<std::vector<Token>> Tokenizer::encode(std::string_view text, EncodeOptions options) const {
  if (text.size() > kEncodeBytesMax) {
    return fail(Code::kInvalid, fmt::format("the text has {} bytes; weir takes at most {}",
                                            text.size(), kEncodeBytesMax));
  }
  std::vector<Token> tokens;
  if (options.add_special && parts_->adds_bos) tokens.push_back(*parts_->bos);
  const TokenMatcher& matcher = options.parse_special ? parts_->added_and_control : parts_->added;
  const auto encode_plain = [&](std::string_view part) {
    return options.guarded ? parts_->encoder->encode(unguard(part), &tokens)
                           : parts_->encoder->encode(part, &tokens);
  };
  size_t done = 0;
  while (auto match = matcher.find(text, done)) {
    WEIR_TRY(encode_plain(text.substr(done, match->offset - done)));
    tokens.push_back(match->token);
    done = match->offset + match->length;
  }
  WEIR_TRY(encode_plain(text.substr(done)));
  if (options.add_special && parts_->adds_eos) tokens.push_back(*parts_->eos);
  return tokens;
}

std::string Tokenizer::guard(std::string_view text) const {
  return guard_control_tokens(text, parts_->control);
}

std::string Tokenizer::decode(std::span<const Token> tokens, DecodeOptions options) const {
  return utf8_replace(decode_bytes(tokens, options));
}

std::string Tokenizer::decode_bytes(std::span<const Token> tokens, DecodeOptions options) const {
  std::string bytes;
  for (const Token token : tokens) {
    bytes += options.continues ? piece(token, !options.skip_special)
                               : first_piece(token, !options.skip_special);
    if (!is_control(token)) options.continues = true;
  }
  return bytes;
}

std::string Tokenizer::piece(Token token, bool show_special) const {
  if (token < 0 || static_cast<size_t>(token) >= vocab_size()) return {};
  if (is_control(token)) return show_special ? parts_->names[static_cast<size_t>(token)] : "";
  return parts_->encoder->bytes(token);
}

std::string Tokenizer::first_piece(Token token, bool show_special) const {
  std::string bytes = piece(token, show_special);
  if (parts_->adds_space_prefix && bytes.starts_with(' ') && !is_control(token) &&
      parts_->types[static_cast<size_t>(token)] != TokenType::kByte) {
    bytes.erase(0, 1);
  }
  return bytes;
}

size_t Tokenizer::vocab_size() const {
  return parts_->types.size();
}

bool Tokenizer::is_control(Token token) const {
  return token >= 0 && static_cast<size_t>(token) < vocab_size() &&
         is_control_type(parts_->types[static_cast<size_t>(token)]);
}

bool Tokenizer::is_end_of_generation(Token token) const {
  return token >= 0 && static_cast<size_t>(token) < vocab_size() &&
         parts_->ends[static_cast<size_t>(token)];
}

std::optional<Token> Tokenizer::bos() const {
  return parts_->bos;
}
std::optional<Token> Tokenizer::eos() const {
  return parts_->eos;
}
bool Tokenizer::adds_bos() const {
  return parts_->adds_bos;
}
bool Tokenizer::adds_eos() const {
  return parts_->adds_eos;
}
const std::string& Tokenizer::digest() const {
  return parts_->digest;
}

}  // namespace weir
