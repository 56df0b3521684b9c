// Boxes hold their keys, to the last bit.
#include "kv/key_box.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace weir {
namespace {

constexpr uint32_t kDim = 48, kCount = 64;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Page {
  Page(std::mt19937& random, float spread, float size) : k(kCount * kDim), v(k), bias(kCount) {
    std::normal_distribution<float> normal;
    std::vector<float> centre(kDim);
    for (float& x : centre) x = size * normal(random);
    for (size_t i = 0; i < k.size(); ++i)
      k[i] = centre[i % kDim] + spread * normal(random), v[i] = normal(random);
    for (size_t r = 0; r < kCount; ++r) bias[r] = r % 5 == 0 ? std::log(3.0f) : 0;
    bias[17] = -kInfinity;
    summary.resize(KeyBox::floats(kDim));
    KeyBox::write({kCount, kDim, k.data(), v.data(), bias.data()}, summary.data());
  }
  KeyBox box() const { return {summary.data(), kDim}; }
  double dot(const std::vector<float>& q, size_t row) const {
    double sum = 0;
    for (size_t d = 0; d < kDim; ++d) sum += double{q[d]} * k[row * kDim + d];
    return sum;
  }
  std::vector<float> k, v, bias, summary;
};

TEST(KeyBox, NoDotProductIsGreaterAndSomeComeNear) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  for (const float spread : {0.0f, 1e-6f, 1e-3f, 0.1f, 1.0f, 1e3f})
    for (const float size : {0.0f, 1.0f, 300.0f})
      for (int i = 0; i < 20; ++i) {
        const Page page(random, spread, size);
        std::vector<float> q(kDim);
        for (float& x : q) x = normal(random);
        const double bound = page.box().dot(BoxedQuery(q.data(), kDim));
        double most = -kInfinity;
        for (size_t r = 0; r < kCount; ++r)
          if (page.bias[r] > -kInfinity) most = std::max(most, page.dot(q, r));
        ASSERT_GE(bound, most) << spread << " " << size;
        // A page of equal keys is bounded by its key.
        if (spread == 0) {
          ASSERT_LE(bound, most + 4e-3 * size + 1e-30) << size;
        }
      }
}

TEST(KeyBox, LengthsAndWeightsAreNotLess) {
  std::mt19937 random(5);
  const Page page(random, 1, 2);
  double weight = 0;
  for (size_t r = 0; r < kCount; ++r) {
    double k = 0, v = 0;
    for (size_t d = 0; d < kDim; ++d)
      k += std::pow(page.k[r * kDim + d], 2), v += std::pow(page.v[r * kDim + d], 2);
    EXPECT_GE(page.box().corner(), std::sqrt(k));
    EXPECT_GE(page.box().value(), std::sqrt(v));
    weight += std::exp(double{page.bias[r]});
  }
  EXPECT_GE(page.box().log_weight(), std::log(weight));
  EXPECT_LE(page.box().log_weight(), std::log(weight) + 1e-5);
}

TEST(KeyBox, APageWithoutRowsWeighsNothing) {
  std::mt19937 random(5);
  Page page(random, 1, 2);
  std::fill(page.bias.begin(), page.bias.end(), -kInfinity);
  KeyBox::write({kCount, kDim, page.k.data(), page.v.data(), page.bias.data()},
                page.summary.data());
  EXPECT_EQ(page.box().log_weight(), -kInfinity);
  const std::vector<float> q(kDim, 1.0f);
  EXPECT_TRUE(std::isfinite(page.box().dot(BoxedQuery(q.data(), kDim))));
}

TEST(KeyBox, UpIsNotLess) {
  for (const double x : {0.0, 1e-300, -1e-300, 1.0, -1.0, 1.0 + 1e-12, -1.0 - 1e-12, 1e30, -1e30})
    EXPECT_GE(up(x), x);
  EXPECT_EQ(up(-kInfinity), -kInfinity);
  EXPECT_EQ(up(kInfinity), kInfinity);
}

}  // namespace
}  // namespace weir
