#include "text/vocabulary.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <span>

#include "base/file.h"

namespace weir {
namespace {

Status check_lengths(const VocabularyData& data) {
  const size_t count = data.tokens.size();
  if (count == 0 || count > kVocabularyMax) {
    return fail(Code::kCorrupt, fmt::format("tokenizer.ggml.tokens has {} tokens; weir takes 1..{}",
                                            count, kVocabularyMax));
  }
  if (!data.token_types.empty() && data.token_types.size() != count) {
    return fail(Code::kCorrupt,
                fmt::format("tokenizer.ggml.token_type has {} entries for {} tokens",
                            data.token_types.size(), count));
  }
  if (!data.scores.empty() && data.scores.size() != count) {
    return fail(Code::kCorrupt, fmt::format("tokenizer.ggml.scores has {} entries for {} tokens",
                                            data.scores.size(), count));
  }
  return {};
}

Status check_token(const VocabularyData& data, size_t token) {
  if (!data.token_types.empty() && (data.token_types[token] < 1 || data.token_types[token] > 6)) {
    return fail(Code::kCorrupt, fmt::format("tokenizer.ggml.token_type[{}] is {}; types are 1..6",
                                            token, data.token_types[token]));
  }
  const TokenType type = type_of(data, token);
  const bool matched = type == TokenType::kUserDefined || is_control_type(type);
  const size_t length_max = matched ? kMatchedTokenBytesMax : kTokenBytesMax;
  const size_t length = data.tokens[token].size();
  if (length > length_max) {
    return fail(Code::kCorrupt,
                fmt::format("tokenizer.ggml.tokens[{}] has {} bytes; weir takes at most {}", token,
                            length, length_max));
  }
  if (!data.scores.empty() && std::isnan(data.scores[token])) {
    return fail(Code::kCorrupt, fmt::format("tokenizer.ggml.scores[{}] is not a number", token));
  }
  return {};
}

Status check_id(const VocabularyData& data, std::string_view field, std::optional<Token> id) {
  if (!id || (*id >= 0 && static_cast<size_t>(*id) < data.tokens.size())) return {};
  return fail(Code::kCorrupt, fmt::format("tokenizer.ggml.{} is {}; the vocabulary has {} tokens",
                                          field, *id, data.tokens.size()));
}

Status check_ids(const VocabularyData& data) {
  WEIR_TRY(check_id(data, "bos_token_id", data.bos));
  WEIR_TRY(check_id(data, "eos_token_id", data.eos));
  WEIR_TRY(check_id(data, "eot_token_id", data.eot));
  WEIR_TRY(check_id(data, "eom_token_id", data.eom));
  WEIR_TRY(check_id(data, "unknown_token_id", data.unknown));
  if (data.add_bos.value_or(false) && !data.bos) {
    return fail(Code::kCorrupt, "tokenizer.ggml.add_bos_token is true without bos_token_id");
  }
  if (data.add_eos.value_or(false) && !data.eos) {
    return fail(Code::kCorrupt, "tokenizer.ggml.add_eos_token is true without eos_token_id");
  }
  return {};
}

// Fields one after the other, each text with its length before it: no two vocabularies look alike.
class Canonical {
 public:
  void number(uint64_t value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view value) {
    number(value.size());
    bytes_ += value;
  }
  void id(std::optional<Token> value) { number(value ? static_cast<uint64_t>(*value) : ~0ull); }
  void flag(std::optional<bool> value) { number(value ? *value : 2u); }
  std::string digest() const { return sha256(std::as_bytes(std::span(bytes_))); }

 private:
  std::string bytes_;
};

}  // namespace

Status check_vocabulary(const VocabularyData& data) {
  WEIR_TRY(check_lengths(data));
  for (size_t token = 0; token < data.tokens.size(); ++token) WEIR_TRY(check_token(data, token));
  return check_ids(data);
}

TokenType type_of(const VocabularyData& data, size_t token) {
  const auto type =
      data.token_types.empty() ? TokenType::kNormal : TokenType{data.token_types[token]};
  const bool unknown = data.unknown && static_cast<size_t>(*data.unknown) == token;
  // Byte-level BPE has no use for an unknown token, and files give it the id of any token.
  if (unknown && type == TokenType::kNormal && data.model == "llama") return TokenType::kUnknown;
  return type;
}

bool is_control_type(TokenType type) {
  return type == TokenType::kControl || type == TokenType::kUnknown;
}

std::string vocabulary_digest(const VocabularyData& data) {
  Canonical canonical;
  canonical.text(data.model);
  canonical.text(data.pre);
  canonical.number(data.tokens.size());
  for (const auto& token : data.tokens) canonical.text(token);
  canonical.number(data.token_types.size());
  for (const int32_t type : data.token_types) canonical.number(static_cast<uint64_t>(type));
  canonical.number(data.scores.size());
  for (const float score : data.scores) canonical.number(std::bit_cast<uint32_t>(score));
  canonical.number(data.merges.size());
  for (const auto& merge : data.merges) canonical.text(merge);
  for (const auto& id : {data.bos, data.eos, data.eot, data.eom, data.unknown}) canonical.id(id);
  for (const auto& flag : {data.add_bos, data.add_eos, data.add_space_prefix}) canonical.flag(flag);
  return canonical.digest();
}

}  // namespace weir
