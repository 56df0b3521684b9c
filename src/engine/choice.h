// One continuation of a request: tokens go in, text and an end come out.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/sampler.h"
#include "text/text_stream.h"
#include "text/tokenizer.h"
#include "weir/engine.h"

namespace weir {

class Choice {
 public:
  // `request` and `tokenizer` outlive it. `length_max` bounds prompt and continuation together.
  Choice(uint32_t index, const Request& request, const Tokenizer& tokenizer, uint64_t seed,
         uint32_t length_max);

  // What the logits at the end of `length` tokens lead to.
  struct Outcome {
    std::optional<TokenEvent> token;  // A token that is part of the text,
    std::optional<ChoiceEvent> end;   // and the end, if this is it.
    Token next = -1;                  // To be computed, unless it ended.
  };
  Result<Outcome> take(std::span<float> logits, uint32_t length);

  uint32_t generated() const { return generated_; }
  uint32_t index() const { return index_; }
  bool ended() const { return ended_; }

 private:
  bool is_end(Token token) const;
  ChoiceEvent end(FinishReason reason, std::string text, std::string stop);
  void push_text(Token token, Outcome& out);

  uint32_t index_;
  const Request& request_;
  const Tokenizer& tokenizer_;
  uint32_t length_max_;
  Sampler sampler_;
  TextStream text_;
  StopMatcher stops_;
  std::vector<Token> end_tokens_;  // Banned while fewer than min_tokens are generated.
  uint32_t generated_ = 0;
  bool ended_ = false;
};

}  // namespace weir
