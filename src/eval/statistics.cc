#include "eval/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "eval/draw.h"

namespace weir::eval {
namespace {

constexpr size_t kResamples = 2000;

ptrdiff_t top_of(std::span<const float> logits) {
  return std::ranges::max_element(logits) - logits.begin();
}

}  // namespace

double log_total(std::span<const float> logits) {
  const double most = *std::ranges::max_element(logits);
  double sum = 0;
  for (float x : logits) sum += std::exp(x - most);
  return most + std::log(sum);
}

double log_probability(std::span<const float> logits, Token token) {
  return logits[static_cast<size_t>(token)] - log_total(logits);
}

Reference::Reference(std::span<const float> logits)
    : logits_(logits), log_total_(log_total(logits)), p_(logits.size()) {
  for (size_t i = 0; i < p_.size(); ++i) p_[i] = std::exp(logits[i] - log_total_);
}

Divergence Reference::of(std::span<const float> logits, Token right) const {
  const double total = log_total(logits);
  double kl = 0;
  for (size_t i = 0; i < p_.size(); ++i)
    kl += p_[i] * ((logits_[i] - log_total_) - (logits[i] - total));
  const auto r = static_cast<size_t>(right);
  return {kl, top_of(logits) == top_of(logits_), (logits[r] - total) - (logits_[r] - log_total_)};
}

double mean(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median(std::span<const double> values) {
  if (values.empty()) return 0;
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  return (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
}

Interval bootstrap(std::span<const double> values, uint64_t seed) {
  if (values.empty()) return {};
  Draw draw(seed);
  std::vector<double> means(kResamples);
  for (double& m : means) {
    double sum = 0;
    for (size_t i = 0; i < values.size(); ++i) sum += values[draw.below(values.size())];
    m = sum / static_cast<double>(values.size());
  }
  std::ranges::sort(means);
  return {mean(values), means[kResamples / 40], means[kResamples - 1 - kResamples / 40]};
}

size_t successes_beyond_chance(size_t tries, double probability, double level) {
  const auto n = static_cast<double>(tries);
  double tail = 0;  // The probability of so many successes or more.
  for (size_t successes = tries;; --successes) {
    const auto k = static_cast<double>(successes);
    const double ways = std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
    tail += std::exp(ways + k * std::log(probability) + (n - k) * std::log1p(-probability));
    if (tail > level) return successes + 1;
    if (successes == 0) return 0;
  }
}

}  // namespace weir::eval
