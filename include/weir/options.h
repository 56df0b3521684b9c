// What a caller may choose: one small struct per thing, each field with its default and its bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

using Token = int32_t;

// How an engine runs a model. Zero means "choose for me" where a field says so.
struct EngineOptions {
  int threads = 0;                  // Computing threads, 1..256; 0: one per core.
  uint32_t context_tokens_max = 0;  // Longest sequence; 0: what the model was made for.
  uint32_t sequences_max = 64;  // Sequences that requests compute at once, 1..4096; each choice is
                                // one, so no request may have more choices.
  uint32_t step_tokens_max =
      512;  // Rows of one step: decoding first, then prefill in chunks. 1..65536.
  uint64_t kv_bytes_max =
      0;  // Hard budget of all keys and values; 0: a quarter of this machine's memory.
  std::string kv_type =
      "auto";      // "f16", "bf16", "f32"; "auto": the 16-bit type that weir recommends.
  std::string kv;  // Which rows a sequence keeps and how they are stored, as a recipe:
                   // "keep=snapkv(budget=0.2);store=int8"; see docs/kv-methods.md. Blank: all of
                   // them, as they are.
  std::string arithmetic =
      "integer";  // "integer": activations in 8 bits; "float": the reference path.
  // Requests, and their prompts' tokens, that may wait because sequences_max or kv_bytes_max is
  // used up: what can compute at once does not wait. One more is kUnavailable. 0: none may wait.
  uint32_t queue_requests_max = 256;
  uint64_t queue_tokens_max = 1 << 20;
};

// How a token is chosen from logits. Applied in this order: logit bias, repetition, presence and
// frequency penalties; then, unless temperature is 0 (greedy), temperature, top-k, typical, top-p,
// min-p, and a draw. Ties go to the lower token id.
struct SamplingOptions {
  float temperature = 1;  // 0..2 in the API; 0 is greedy.
  int32_t top_k = 0;      // Keep the k likeliest; 0 or -1: all.
  float top_p = 1;        // Keep the smallest set with at least this mass; (0, 1].
  float min_p = 0;        // Keep what has at least this share of the likeliest; [0, 1].
  float typical_p = 1;    // Locally typical sampling (Meister et al., 2022); (0, 1].
  float repetition_penalty =
      1;  // Divides positive logits of seen tokens, multiplies negative; (0, 10].
  float presence_penalty = 0;   // Subtracted once from tokens already generated; [-2, 2].
  float frequency_penalty = 0;  // Subtracted for each time a token was generated; [-2, 2].
  std::vector<std::pair<Token, float>> logit_bias;  // Added to logits; [-100, 100].
  std::optional<uint64_t>
      seed;  // The draw is a function of (seed, choice, position); absent: random.
};

// One request for text: a prompt, and `choices` continuations of it that share its keys and values.
struct Request {
  std::vector<Token> prompt;  // Not empty.
  SamplingOptions sampling;
  uint32_t choices = 1;  // 1..128, and at most EngineOptions::sequences_max.
  uint32_t max_tokens =
      0;  // Of each choice; 0: until the context is full. Use prefill_only for none.
  bool prefill_only = false;  // Compute the prompt (its log-probabilities) and generate nothing.
  uint32_t min_tokens = 0;    // No end token, stop token or stop string counts before so many.
  bool ignore_eos = false;    // End-of-generation tokens neither end a choice nor are kept from it.
  std::vector<std::string> stop;  // A choice ends before the first of these; at most 16, not empty.
  std::vector<Token> stop_tokens;   // Or at one of these.
  bool skip_special_tokens = true;  // Control tokens give no text.
  int logprobs = -1;         // Alternatives to report with each token, 0..20; -1: report nothing.
  int prompt_logprobs = -1;  // Likewise for the prompt's tokens (`echo`).
  std::string kv;  // A recipe, as EngineOptions::kv; blank: the engine's; "keep=all": all rows.
  // The id of a request that was accepted: this one belongs with it, and may wait beyond the bounds
  // of the queue. 0: none.
  uint64_t companion = 0;
};

}  // namespace weir
