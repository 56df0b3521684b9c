// What two distributions differ by, and how sure a mean is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "weir/options.h"

namespace weir::eval {

// The natural logarithm of the sum of e^x.
double log_total(std::span<const float> logits);

// The natural log-probability of a token.
double log_probability(std::span<const float> logits, Token token);

// How far another distribution is from one that is right by definition.
struct Divergence {
  double kl = 0;      // Of the other from the right one, in nats.
  bool same_top = 0;  // Whether the likeliest token is the same; ties go to the lower id.
  double right = 0;   // The change of the right token's log-probability.
};

// A distribution that others are compared with. `logits` outlive it.
class Reference {
 public:
  explicit Reference(std::span<const float> logits);
  // REQUIRES as many logits. Equal ones give exactly 0.
  Divergence of(std::span<const float> logits, Token right) const;

 private:
  std::span<const float> logits_;
  double log_total_;
  std::vector<double> p_;
};

double mean(std::span<const double> values);    // 0 of none.
double median(std::span<const double> values);  // 0 of none.

struct Interval {
  double mean = 0, low = 0, high = 0;
  bool operator==(const Interval&) const = default;
};

// The mean of values, one a sample, and where it falls in 95 of 100 draws of as many samples with
// replacement. Differences of pairs make it a paired bootstrap. Of few samples it is too narrow: 8
// normal ones hold the true mean in 9 of 10 cases.
Interval bootstrap(std::span<const double> values, uint64_t seed);

// The least number of `tries`, each a success with `probability`, that succeed together with a
// probability of at most `level`: the exact binomial tail. tries + 1 where even all of them would
// do so more often. REQUIRES a probability between 0 and 1.
size_t successes_beyond_chance(size_t tries, double probability, double level);

}  // namespace weir::eval
