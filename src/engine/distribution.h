// A distribution over tokens that filters narrow and a number draws from. Weights are exp((logit -
// largest) / temperature) in float32 by a polynomial of our own; sums run in double in a fixed
// order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "weir/options.h"

namespace weir {

// The token with the largest logit, the lowest id among equals; -1 if one is NaN or none is above
// -inf.
Token likeliest(std::span<const float> logits);

class Distribution {
 public:
  // REQUIRES largest to be the largest logit and finite, temperature > 0.
  Distribution(std::span<const float> logits, float largest, float temperature);

  // Each filter keeps at least one token; among equals the lower id stays.
  void keep_top_k(size_t k);
  void keep_top_p(double p);      // The likeliest whose mass reaches p of all.
  void keep_min_p(double share);  // Those with at least this share of the likeliest.
  void keep_typical(double p);  // Those nearest to the entropy, until their mass reaches p of all.

  // Sum of weights of what is left.
  double mass() const;
  // The token at which the running sum, in order of ids, passes `at` of the mass; at in [0, 1).
  Token draw(double at) const;
  // What is left, in order of ids, and its weights.
  std::span<const Token> tokens() const { return tokens_; }
  std::span<const float> weights() const { return weights_; }

 private:
  // Keeps the first tokens in order of `key` (least first, then id) until their mass reaches
  // `least`.
  void keep_least(const std::vector<float>& key, double least);
  void keep_marked(const std::vector<bool>& kept);

  std::vector<Token> tokens_;
  std::vector<float> weights_;
};

}  // namespace weir
