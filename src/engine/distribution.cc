#include "engine/distribution.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/elementwise.h"

namespace weir {
namespace {

// exp(x) for x <= 0, relative error under 2e-7, zero below -87. Branch-free, so that the compiler
// makes vectors of it; plain multiplications and additions, so that all machines agree.
float exp_of_negative(float x) {
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer.
  const float clamped = std::max(x, -87.0f);
  const float n = (clamped * 1.44269504f + kRound) - kRound;
  const float r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const float power = std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
  return x < -87.0f ? 0.0f : p * power;
}

// Eight running sums added in order: a fixed order that does not wait for each addition.
double sum_of(std::span<const float> x) {
  double lanes[8] = {};
  size_t i = 0;
  for (; i + 8 <= x.size(); i += 8)
    for (size_t l = 0; l < 8; ++l) lanes[l] += static_cast<double>(x[i + l]);
  double sum = 0;
  for (; i < x.size(); ++i) sum += static_cast<double>(x[i]);
  for (double l : lanes) sum += l;
  return sum;
}

}  // namespace

Token likeliest(std::span<const float> logits) {
  float largest = -std::numeric_limits<float>::infinity();
  bool number = true;
  for (float x : logits) {
    number &= x == x;
    largest = std::max(largest, x);
  }
  if (!number || !std::isfinite(largest)) return -1;
  return static_cast<Token>(std::find(logits.begin(), logits.end(), largest) - logits.begin());
}

Distribution::Distribution(std::span<const float> logits, float largest, float temperature)
    : tokens_(logits.size()), weights_(logits.size()) {
  const float inverse = 1 / temperature;
  for (size_t i = 0; i < logits.size(); ++i) {
    tokens_[i] = static_cast<Token>(i);
    weights_[i] = exp_of_negative((logits[i] - largest) * inverse);
  }
}

void Distribution::keep_marked(const std::vector<bool>& kept) {
  size_t n = 0;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (!kept[i]) continue;
    tokens_[n] = tokens_[i];
    weights_[n++] = weights_[i];
  }
  tokens_.resize(n);
  weights_.resize(n);
}

void Distribution::keep_top_k(size_t k) {
  if (k >= tokens_.size()) return;
  std::vector<float> order = weights_;
  std::nth_element(order.begin(), order.begin() + static_cast<ptrdiff_t>(k - 1), order.end(),
                   std::greater<>());
  const float least = order[k - 1];
  size_t above = 0;
  for (float w : weights_) above += w > least;
  size_t equals = k - above;  // Of those just at the border, the first by id.
  std::vector<bool> kept(tokens_.size());
  for (size_t i = 0; i < tokens_.size(); ++i)
    kept[i] = weights_[i] > least || (weights_[i] == least && equals > 0 && equals-- > 0);
  keep_marked(kept);
}

void Distribution::keep_least(const std::vector<float>& key, double least) {
  std::vector<uint32_t> heap(tokens_.size());
  for (size_t i = 0; i < heap.size(); ++i) heap[i] = static_cast<uint32_t>(i);
  const auto after = [&](uint32_t a, uint32_t b) {
    return key[a] > key[b] || (key[a] == key[b] && a > b);
  };
  std::make_heap(heap.begin(), heap.end(), after);
  std::vector<bool> kept(tokens_.size());
  double reached = 0;
  for (auto end = heap.end(); end != heap.begin();) {
    std::pop_heap(heap.begin(), end--, after);
    kept[*end] = true;
    reached += static_cast<double>(weights_[*end]);
    if (reached >= least) break;
  }
  keep_marked(kept);
}

void Distribution::keep_top_p(double p) {
  std::vector<float> key(weights_.size());
  std::transform(weights_.begin(), weights_.end(), key.begin(), std::negate<>());
  keep_least(key, p * mass());
}

void Distribution::keep_min_p(double share) {
  const double least =
      share * static_cast<double>(*std::max_element(weights_.begin(), weights_.end()));
  std::vector<bool> kept(tokens_.size());
  for (size_t i = 0; i < kept.size(); ++i) kept[i] = static_cast<double>(weights_[i]) >= least;
  keep_marked(kept);
}

void Distribution::keep_typical(double p) {
  const double total = mass();
  const double log_total = exact_log(total);
  std::vector<float> surprise(weights_.size(), std::numeric_limits<float>::infinity());
  double entropy = 0;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const double w = static_cast<double>(weights_[i]);
    if (w == 0) continue;
    const double s = log_total - exact_log(w);
    surprise[i] = static_cast<float>(s);
    entropy += w / total * s;
  }
  for (float& s : surprise) s = std::abs(s - static_cast<float>(entropy));
  keep_least(surprise, p * total);
}

double Distribution::mass() const {
  return sum_of(weights_);
}

Token Distribution::draw(double at) const {
  const double target = at * mass();
  double reached = 0;
  size_t last = 0;
  for (size_t i = 0; i < tokens_.size(); ++i) {
    if (weights_[i] == 0) continue;
    reached += static_cast<double>(weights_[i]);
    last = i;
    if (reached > target) break;
  }
  return tokens_[last];
}

}  // namespace weir
