// What the two kinds of vocabulary have in common: plain text to tokens, a token to bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weir/options.h"
#include "weir/status.h"

namespace weir {

// Immutable; any thread.
class PlainEncoder {
 public:
  PlainEncoder() = default;
  PlainEncoder(const PlainEncoder&) = delete;
  PlainEncoder& operator=(const PlainEncoder&) = delete;
  virtual ~PlainEncoder() = default;

  // Appends the tokens of a stretch of text without control tokens.
  virtual Status encode(std::string_view text, std::vector<Token>* tokens) const = 0;
  // The bytes of a token of the vocabulary that is not a control token, in the middle of text.
  virtual std::string bytes(Token token) const = 0;
};

}  // namespace weir
