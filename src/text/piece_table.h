// The pieces of a SentencePiece vocabulary: found by text, with their scores and bytes.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "text/token_matcher.h"
#include "text/tokenizer.h"

namespace weir {

inline constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";  // U+2581.

// `text` with every `from` replaced by `to`.
std::string replace_all(std::string_view text, std::string_view from, std::string_view to);

// Immutable once made; any thread.
class PieceTable {
 public:
  // `data` is a checked vocabulary.
  static Result<PieceTable> create(const VocabularyData& data);

  // The token that text may merge to, -1 if there is none.
  Token find(std::string_view piece) const;
  float score(Token token) const { return scores_[static_cast<size_t>(token)]; }
  bool is_unused(Token token) const {
    return types_[static_cast<size_t>(token)] == TokenType::kUnused;
  }
  bool has_unused() const { return has_unused_; }
  // The length of the longest user-defined token that `text` begins with, 0 if there is none.
  size_t match_user_defined(std::string_view text) const;
  // Appends what stands for a piece that is no token: its bytes, or one unknown token; a run of
  // unknown pieces is one unknown token.
  void append_unknown(std::string_view piece, bool after_unknown, std::vector<Token>* tokens) const;
  // The bytes of a token in the middle of text.
  std::string bytes(Token token) const;

 private:
  Status add_tokens(const VocabularyData& data);
  Status add_byte_tokens(const VocabularyData& data);

  std::vector<std::string> texts_;
  std::vector<TokenType> types_;
  std::vector<float> scores_;
  TokenMatcher user_defined_;
  boost::unordered_flat_map<std::string_view, Token> pieces_;  // Into texts_.
  size_t piece_bytes_max_ = 0;
  bool has_unused_ = false;
  bool has_byte_tokens_ = false;
  std::array<Token, 256> byte_tokens_{};
  Token unknown_ = -1;
};

}  // namespace weir
