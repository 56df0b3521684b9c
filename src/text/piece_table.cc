#include "text/piece_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/vocabulary.h"

namespace weir {
namespace {

// The byte of "<0xXX>", -1 for any other text.
int byte_of(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return -1;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  const int high = digit(text[3]);
  const int low = digit(text[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string replaced;
  for (size_t at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    replaced += text.substr(0, at);
    replaced += to;
    text.remove_prefix(at + from.size());
  }
  return replaced += text;
}

Result<PieceTable> PieceTable::create(const VocabularyData& data) {
  PieceTable table;
  WEIR_TRY(table.add_tokens(data));
  WEIR_TRY(table.add_byte_tokens(data));
  return table;
}

Status PieceTable::add_tokens(const VocabularyData& data) {
  if (data.scores.empty()) {
    return fail(Code::kCorrupt, "tokenizer.ggml.scores is missing; a llama vocabulary needs it");
  }
  texts_ = data.tokens;
  scores_ = data.scores;
  unknown_ = data.unknown.value_or(-1);
  std::vector<std::pair<std::string, Token>> user_defined;
  for (size_t token = 0; token < texts_.size(); ++token) {
    const TokenType type = type_of(data, token);
    types_.push_back(type);
    if (type == TokenType::kByte || is_control_type(type) || texts_[token].empty()) continue;
    if (type == TokenType::kUserDefined) {
      // Files write the spaces of these tokens as such.
      texts_[token] = replace_all(texts_[token], " ", kSpaceSymbol);
      user_defined.emplace_back(texts_[token], static_cast<Token>(token));
    }
    has_unused_ |= type == TokenType::kUnused;
    pieces_.emplace(texts_[token], static_cast<Token>(token));
    piece_bytes_max_ = std::max(piece_bytes_max_, texts_[token].size());
  }
  user_defined_ = TokenMatcher(std::move(user_defined));
  return {};
}

Status PieceTable::add_byte_tokens(const VocabularyData& data) {
  byte_tokens_.fill(-1);
  for (size_t token = 0; token < texts_.size(); ++token) {
    if (types_[token] != TokenType::kByte) continue;
    const int byte = byte_of(texts_[token]);
    if (byte < 0) {
      return fail(Code::kCorrupt, fmt::format("tokenizer.ggml.tokens[{}] has the byte type but is "
                                              "not one of <0x00>..<0xFF>",
                                              token));
    }
    if (byte_tokens_[byte] < 0) byte_tokens_[byte] = static_cast<Token>(token);
    has_byte_tokens_ = true;
  }
  const auto missing = std::find(byte_tokens_.begin(), byte_tokens_.end(), -1);
  if (has_byte_tokens_ && missing != byte_tokens_.end()) {
    return fail(Code::kCorrupt,
                fmt::format("tokenizer.ggml.tokens has byte tokens, but not <0x{:02X}>",
                            missing - byte_tokens_.begin()));
  }
  if (!has_byte_tokens_ && !data.unknown) {
    return fail(Code::kCorrupt,
                "tokenizer.ggml.tokens has no byte tokens and there is no unknown_token_id");
  }
  return {};
}

Token PieceTable::find(std::string_view piece) const {
  if (piece.size() > piece_bytes_max_) return -1;
  const auto found = pieces_.find(piece);
  return found == pieces_.end() ? -1 : found->second;
}

size_t PieceTable::match_user_defined(std::string_view text) const {
  const auto match = user_defined_.match(text);
  return match ? match->length : 0;
}

void PieceTable::append_unknown(std::string_view piece, bool after_unknown,
                                std::vector<Token>* tokens) const {
  if (has_byte_tokens_) {
    for (const char byte : piece) tokens->push_back(byte_tokens_[static_cast<uint8_t>(byte)]);
  } else if (!after_unknown) {
    tokens->push_back(unknown_);
  }
}

std::string PieceTable::bytes(Token token) const {
  const auto index = static_cast<size_t>(token);
  if (types_[index] == TokenType::kByte) return {static_cast<char>(byte_of(texts_[index]))};
  return replace_all(texts_[index], kSpaceSymbol, " ");
}

}  // namespace weir
