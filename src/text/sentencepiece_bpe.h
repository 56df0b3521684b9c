// BPE as SentencePiece does it (Kudo and Richardson, 2018): the text, spaces written as U+2581, is
// characters; the pair whose joined text has the highest score merges first, the leftmost of
// equals.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text/piece_table.h"
#include "text/plain_encoder.h"

namespace weir {

class SentencePieceBpe final : public PlainEncoder {
 public:
  // `data` is a checked vocabulary.
  static Result<std::unique_ptr<const PlainEncoder>> create(const VocabularyData& data);

  Status encode(std::string_view text, std::vector<Token>* tokens) const override;
  std::string bytes(Token token) const override { return pieces_.bytes(token); }

 private:
  SentencePieceBpe(PieceTable pieces, bool add_space_prefix)
      : pieces_(std::move(pieces)), add_space_prefix_(add_space_prefix) {}

  PieceTable pieces_;
  bool add_space_prefix_;
};

}  // namespace weir
