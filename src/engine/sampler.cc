#include "engine/sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/scatter.h"
#include "engine/distribution.h"
#include "kernels/elementwise.h"

namespace weir {
namespace {

struct Bound {
  const char* field;
  float value, least, most;
  bool open;  // `least` itself is not allowed.
};

Status check_bound(const Bound& b) {
  const bool good = b.open ? b.value > b.least : b.value >= b.least;
  if (good && b.value <= b.most) return {};
  return fail(Code::kInvalid,
              fmt::format("{} must be a number {} {} and at most {}, not {}", b.field,
                          b.open ? "greater than" : "of at least", b.least, b.most, b.value),
              b.field);
}

// In [0, 1).
double uniform(uint64_t seed, uint64_t choice, uint64_t position) {
  return static_cast<double>(scatter(scatter(scatter(seed) ^ choice) ^ position) >> 11) * 0x1p-53;
}

bool better(std::span<const float> x, Token a, Token b) {
  return x[static_cast<size_t>(a)] > x[static_cast<size_t>(b)] ||
         (x[static_cast<size_t>(a)] == x[static_cast<size_t>(b)] && a < b);
}

Status no_number() {
  return fail(Code::kInternal, "the model gave a logit that is not a number");
}

}  // namespace

Status check(const SamplingOptions& o, uint32_t vocabulary) {
  for (const Bound& b :
       {Bound{"temperature", o.temperature, 0, 2, false}, Bound{"top_p", o.top_p, 0, 1, true},
        Bound{"min_p", o.min_p, 0, 1, false}, Bound{"typical_p", o.typical_p, 0, 1, true},
        Bound{"repetition_penalty", o.repetition_penalty, 0, 10, true},
        Bound{"presence_penalty", o.presence_penalty, -2, 2, false},
        Bound{"frequency_penalty", o.frequency_penalty, -2, 2, false}})
    WEIR_TRY(check_bound(b));
  if (o.top_k < -1)
    return fail(Code::kInvalid,
                fmt::format("top_k must be an integer of at least -1, not {}", o.top_k), "top_k");
  for (const auto& [token, bias] : o.logit_bias) {
    if (token < 0 || static_cast<uint32_t>(token) >= vocabulary)
      return fail(
          Code::kInvalid,
          fmt::format("logit_bias names token {}; tokens are 0 to {}", token, vocabulary - 1),
          "logit_bias");
    WEIR_TRY(check_bound({"logit_bias", bias, -100, 100, false}));
  }
  return {};
}

Sampler::Sampler(const SamplingOptions& options, uint64_t seed, uint32_t choice)
    : options_(options),
      seed_(seed),
      choice_(choice),
      counting_(options.repetition_penalty != 1 || options.presence_penalty != 0 ||
                options.frequency_penalty != 0) {}

void Sampler::see_prompt(Token token) {
  if (counting_) seen_.try_emplace(token);
}

void Sampler::see_generated(Token token) {
  if (counting_) ++seen_[token].generated;
}

void Sampler::penalise(std::span<float> logits) const {
  for (const auto& [token, bias] : options_.logit_bias) logits[static_cast<size_t>(token)] += bias;
  for (const auto& [token, counts] : seen_) {
    float& x = logits[static_cast<size_t>(token)];
    x = x > 0 ? x / options_.repetition_penalty : x * options_.repetition_penalty;
    if (counts.generated > 0)
      x -= options_.presence_penalty +
           options_.frequency_penalty * static_cast<float>(counts.generated);
  }
}

Result<Token> Sampler::sample(std::span<float> logits, std::span<const Token> banned,
                              uint64_t position) {
  penalise(logits);
  for (Token t : banned) logits[static_cast<size_t>(t)] = -std::numeric_limits<float>::infinity();
  const Token best = likeliest(logits);
  if (best < 0) return tl::unexpected(no_number().error());
  if (options_.temperature < 1e-5f) return best;
  Distribution d(logits, logits[static_cast<size_t>(best)], options_.temperature);
  if (options_.top_k > 0) d.keep_top_k(static_cast<size_t>(options_.top_k));
  if (options_.typical_p < 1) d.keep_typical(options_.typical_p);
  if (options_.top_p < 1) d.keep_top_p(options_.top_p);
  if (options_.min_p > 0) d.keep_min_p(options_.min_p);
  return d.draw(uniform(seed_, choice_, position));
}

Result<TokenLogprob> logprob_of(std::span<const float> logits, Token token, int top) {
  const Token best = likeliest(logits);
  if (best < 0) return tl::unexpected(no_number().error());
  const float largest = logits[static_cast<size_t>(best)];
  const double total = exact_log(Distribution(logits, largest, 1).mass()) + largest;
  const auto logprob = [&](Token t) {
    // A dropped token has no logarithm that JSON could carry; this is OpenAI's stand-in.
    return std::max(-9999.0f, static_cast<float>(logits[static_cast<size_t>(t)] - total));
  };
  TokenLogprob out{token, logprob(token), {}};
  if (top <= 0) return out;
  std::vector<Token> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto end = order.begin() + std::min<ptrdiff_t>(top, std::ssize(order));
  std::partial_sort(order.begin(), end, order.end(),
                    [&](Token a, Token b) { return better(logits, a, b); });
  for (auto t = order.begin(); t != end; ++t) out.top.emplace_back(*t, logprob(*t));
  return out;
}

}  // namespace weir
