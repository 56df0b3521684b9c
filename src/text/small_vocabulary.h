// Small vocabularies for the tests and the fuzz target of this folder.
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

namespace weir {

inline void add_token(VocabularyData* data, std::string text, TokenType type, float score = 0) {
  data->tokens.push_back(std::move(text));
  data->token_types.push_back(static_cast<int32_t>(type));
  if (data->model == "llama") data->scores.push_back(score);
}

// The 256 bytes are tokens 0..255 (token b is byte b); then the results of the merges.
inline VocabularyData byte_level_vocabulary(
    std::string pre, const std::vector<std::pair<std::string, std::string>>& merges = {}) {
  VocabularyData data;
  data.model = "gpt2";
  data.pre = std::move(pre);
  for (int byte = 0; byte < 256; ++byte) {
    add_token(&data, byte_to_alphabet(static_cast<uint8_t>(byte)), TokenType::kNormal);
  }
  for (const auto& [left, right] : merges) {
    data.merges.push_back(left + " " + right);
    add_token(&data, left + right, TokenType::kNormal);
  }
  return data;
}

// Tokens 0..2 are <unk>, <s>, </s>; the byte tokens follow, then the pieces.
inline VocabularyData sentencepiece_vocabulary(
    const std::vector<std::pair<std::string, float>>& pieces) {
  VocabularyData data;
  data.model = "llama";
  data.unknown = 0;
  data.bos = 1;
  data.eos = 2;
  add_token(&data, "<unk>", TokenType::kUnknown);
  add_token(&data, "<s>", TokenType::kControl);
  add_token(&data, "</s>", TokenType::kControl);
  for (int byte = 0; byte < 256; ++byte) {
    add_token(&data, fmt::format("<0x{:02X}>", byte), TokenType::kByte);
  }
  for (const auto& [text, score] : pieces) add_token(&data, text, TokenType::kNormal, score);
  return data;
}

}  // namespace weir
