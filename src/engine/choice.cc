#include "engine/choice.h"

#include <algorithm>
#include <utility>

namespace weir {

Choice::Choice(uint32_t index, const Request& request, const Tokenizer& tokenizer, uint64_t seed,
               uint32_t length_max)
    : index_(index),
      request_(request),
      tokenizer_(tokenizer),
      length_max_(length_max),
      sampler_(request.sampling, seed, index),
      text_(tokenizer, {.skip_special = request.skip_special_tokens, .continues = true}),
      stops_(request.stop),
      end_tokens_(request.stop_tokens) {
  for (Token t : request.prompt) sampler_.see_prompt(t);
  if (request.min_tokens == 0 || request.ignore_eos) return;
  for (Token t = 0; t < static_cast<Token>(tokenizer.vocab_size()); ++t)
    if (tokenizer.is_end_of_generation(t)) end_tokens_.push_back(t);
}

bool Choice::is_end(Token token) const {
  return (!request_.ignore_eos && tokenizer_.is_end_of_generation(token)) ||
         std::ranges::find(request_.stop_tokens, token) != request_.stop_tokens.end();
}

ChoiceEvent Choice::end(FinishReason reason, std::string text, std::string stop) {
  ended_ = true;
  return {index_, std::move(text), reason, std::move(stop)};
}

// The token's text, as far as it is certain; the end if it completes a stop string.
void Choice::push_text(Token token, Outcome& out) {
  std::string text = text_.push(token);
  if (generated_ >= request_.min_tokens) {
    StopMatcher::Output found = stops_.push(text);
    text = std::move(found.text);
    if (found.stop) out.end = end(FinishReason::kStop, "", request_.stop[*found.stop]);
  }
  out.token->text = std::move(text);
}

Result<Choice::Outcome> Choice::take(std::span<float> logits, uint32_t length) {
  const bool early = generated_ < request_.min_tokens;
  const std::vector<float> raw(request_.logprobs >= 0 ? logits.begin() : logits.end(),
                               logits.end());
  const auto banned = early ? std::span<const Token>(end_tokens_) : std::span<const Token>();
  Outcome out;
  WEIR_ASSIGN(out.next, sampler_.sample(logits, banned, length));
  sampler_.see_generated(out.next);
  ++generated_;
  if (is_end(out.next)) {
    out.end = end(FinishReason::kStop, stops_.flush() + text_.flush(), "");
    return out;
  }
  TokenLogprob logprob{out.next, 0, {}};
  if (!raw.empty()) {
    WEIR_ASSIGN(logprob, logprob_of(raw, out.next, request_.logprobs));
  }
  out.token = TokenEvent{index_, "", std::move(logprob)};
  push_text(out.next, out);
  const bool full = length + 1 >= length_max_;
  if (!out.end && (full || (request_.max_tokens > 0 && generated_ >= request_.max_tokens)))
    out.end = end(FinishReason::kLength, stops_.flush() + text_.flush(), "");
  return out;
}

}  // namespace weir
