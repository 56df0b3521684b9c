#include "engine/request_check.h"

#include <fmt/format.h>

#include "engine/generation.h"
#include "engine/sampler.h"

namespace weir {
namespace {

constexpr uint32_t kChoicesMax = 128;
constexpr size_t kStopsMax = 16;
constexpr size_t kStopBytesMax = 4096;
constexpr int kLogprobsMax = 20;

Status invalid(const char* param, std::string message) {
  return fail(Code::kInvalid, std::move(message), param);
}

Status check_tokens(const char* param, std::span<const Token> tokens, uint32_t vocabulary) {
  for (Token t : tokens)
    if (t < 0 || static_cast<uint32_t>(t) >= vocabulary)
      return invalid(
          param, fmt::format("{} holds token {}; tokens are 0 to {}", param, t, vocabulary - 1));
  return {};
}

Status check_length(const Request& r, uint32_t context) {
  const size_t prompt = r.prompt.size();
  if (prompt == 0) return invalid("prompt", "prompt must hold at least one token");
  if (prompt > context || (prompt == context && !r.prefill_only))
    return invalid("prompt", fmt::format("the prompt has {} tokens; the context is {} tokens long",
                                         prompt, context));
  if (!r.prefill_only && r.max_tokens > context - prompt)
    return invalid("max_tokens",
                   fmt::format("the prompt's {} tokens and max_tokens {} are more than the "
                               "context of {} tokens",
                               prompt, r.max_tokens, context));
  if (r.max_tokens > 0 && r.min_tokens > r.max_tokens)
    return invalid("min_tokens", fmt::format("min_tokens {} is more than max_tokens {}",
                                             r.min_tokens, r.max_tokens));
  return {};
}

Status check_stops(const Request& r) {
  if (r.stop.size() > kStopsMax)
    return invalid(
        "stop", fmt::format("stop has {} strings; at most {} are taken", r.stop.size(), kStopsMax));
  for (const std::string& s : r.stop)
    if (s.empty() || s.size() > kStopBytesMax)
      return invalid("stop", fmt::format("a stop string has {} bytes; 1 to {} are taken", s.size(),
                                         kStopBytesMax));
  return {};
}

Status check_memory(const Request& r, const GenerationContext& context) {
  const uint64_t peak = Generation::peak_bytes(r, context), budget = context.pages.budget();
  if (peak <= budget) return {};
  const bool open = r.max_tokens == 0 && !r.prefill_only;
  return invalid(
      open || r.choices == 1 ? "max_tokens" : "n",
      fmt::format("{} {} bytes of KV cache for each of {} choices; the budget is {} in all: {} "
                  "max_tokens or lower n",
                  open ? "without max_tokens the request may fill the context and need"
                       : "the request may need",
                  peak / r.choices, r.choices, budget, open ? "set" : "lower"));
}

}  // namespace

Status check(const Request& r, const ModelInfo& model, const GenerationContext& context) {
  WEIR_TRY(check_length(r, model.context_tokens_max));
  WEIR_TRY(check_tokens("prompt", r.prompt, model.vocabulary));
  WEIR_TRY(check_tokens("stop_token_ids", r.stop_tokens, model.vocabulary));
  WEIR_TRY(check_stops(r));
  if (r.choices < 1 || r.choices > kChoicesMax)
    return invalid("n", fmt::format("n must be 1 to {}, not {}", kChoicesMax, r.choices));
  if (r.logprobs < -1 || r.logprobs > kLogprobsMax)
    return invalid("logprobs",
                   fmt::format("logprobs must be 0 to {}, not {}", kLogprobsMax, r.logprobs));
  if (r.prompt_logprobs < -1 || r.prompt_logprobs > kLogprobsMax)
    return invalid("prompt_logprobs", fmt::format("prompt_logprobs must be 0 to {}, not {}",
                                                  kLogprobsMax, r.prompt_logprobs));
  WEIR_TRY(check(r.sampling, model.vocabulary));
  WEIR_TRY(parse_recipe(r.kv));
  return check_memory(r, context);
}

Status check_choices(const Request& request, const EngineOptions& options) {
  if (request.choices <= options.sequences_max) return {};
  return invalid("n",
                 fmt::format("n is {}, but at most {} sequences compute at once (max-num-seqs)",
                             request.choices, options.sequences_max));
}

}  // namespace weir
