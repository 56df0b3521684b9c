// What the tests of edits share: caches of rows whose keys follow from their positions.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/layout.h"
#include "kv/cache.h"
#include "kv/edit.h"

namespace weir {

inline constexpr uint32_t kLayers = 2, kHeads = 2, kDim = 16;
inline constexpr size_t kRow = kHeads * kDim;

inline CacheShape shape_of(DType kv, int window = 0) {
  CacheShape s{kLayers, kHeads, kDim, kv, {Reach{}, Reach{}}, 64};
  s.use_raw_codecs();
  if (window) s.reach[1] = {Reach::Kind::kWindow, window, 0, 0};
  return s;
}

// The key of a layer's row is random, a function of its position; its value is the key's negative.
inline std::vector<float> key_of(uint32_t layer, int32_t position) {
  std::mt19937 random(layer * 100003 + static_cast<uint32_t>(position));
  std::normal_distribution<float> normal;
  std::vector<float> out(kRow);
  for (float& x : out) x = normal(random);
  return out;
}

inline void append(Cache& cache, int32_t rows, int32_t token = 7) {
  const int32_t at = cache.length();
  cache.extend(rows);
  for (uint32_t l = 0; l < kLayers; ++l)
    for (int32_t p = at; p < at + rows; ++p) {
      const std::vector<float> k = key_of(l, p);
      std::vector<float> v(k);
      for (float& x : v) x = -x;
      cache.write(l, p, k.data(), v.data());
    }
  cache.advance(std::vector<int32_t>(static_cast<size_t>(rows), token));
}

inline std::vector<int32_t> every(int32_t step, int32_t from, int32_t to) {
  std::vector<int32_t> out;
  for (int32_t p = from; p < to; p += step) out.push_back(p);
  return out;
}

inline Edit keep(uint32_t layer, std::vector<int32_t> first, std::vector<int32_t> second) {
  return {layer, {{std::move(first), {}}, {std::move(second), {}}}};
}

// Keys of a head's rows as the pages hold them.
inline std::vector<float> keys_of(const Cache& cache, uint32_t layer, uint32_t head) {
  const auto rows = static_cast<size_t>(cache.rows(layer, head));
  std::vector<float> k(rows * kDim), v(k.size());
  cache.layer(layer).read(head, 0, static_cast<int32_t>(rows), k.data(), v.data());
  for (size_t i = 0; i < k.size(); ++i) EXPECT_EQ(v[i], -k[i]);
  return k;
}

// Keys or values, whatever their relation.
inline std::vector<float> keys_of_any(const Cache& cache, uint32_t head, bool keys) {
  const auto rows = static_cast<size_t>(cache.rows(0, head));
  std::vector<float> k(rows * kDim), v(k.size());
  cache.layer(0).read(head, 0, static_cast<int32_t>(rows), k.data(), v.data());
  return keys ? k : v;
}

inline std::vector<int32_t> positions_of(const Cache& cache, uint32_t layer, uint32_t head) {
  std::vector<int32_t> out;
  for (int32_t s = 0; s < cache.rows(layer, head); ++s)
    out.push_back(cache.layer(layer).position(head, s));
  return out;
}

class EditCases : public testing::TestWithParam<DType> {
 protected:
  Cache cache_with(int32_t rows, const Room& room) {
    Cache cache(shape_, pool_, {});
    EXPECT_TRUE(cache.promise(room));
    append(cache, rows);
    return cache;
  }
  // A row to come to layer 0 is read with the last row's query; softmax in double over exactly the
  // rows that stand there.
  void expect_plain_attention(const Cache& cache, double within = 1e-5) {
    const std::vector<float> q = key_of(9, 1);
    std::vector<AttentionList> lists(kHeads);
    cache.lists(0, cache.length() - 1, lists);
    std::vector<float> out(kRow);
    ThreadPool threads(2);
    const AttentionSpan span{lists, 1, q.data(), out.data(), nullptr, nullptr};
    attend(threads, {kHeads, kHeads, kDim, GetParam(), 0, 0.25f}, {&span, 1});
    for (uint32_t h = 0; h < kHeads; ++h) {
      const std::vector<double> want = plain_attention(cache, h, &q[h * kDim]);
      for (size_t d = 0; d < kDim; ++d) EXPECT_NEAR(out[h * kDim + d], want[d], within);
    }
  }
  static std::vector<double> plain_attention(const Cache& cache, uint32_t head, const float* q) {
    const std::vector<float> keys = keys_of_any(cache, head, true),
                             values = keys_of_any(cache, head, false);
    double total = 0;
    std::vector<double> sum(kDim);
    for (size_t r = 0; r < keys.size() / kDim; ++r) {
      double logit = cache.layer(0).bias(head, static_cast<int32_t>(r));
      for (size_t d = 0; d < kDim; ++d) logit += 0.25 * q[d] * keys[r * kDim + d];
      total += std::exp(logit);
      for (size_t d = 0; d < kDim; ++d) sum[d] += std::exp(logit) * values[r * kDim + d];
    }
    for (double& x : sum) x /= total;
    return sum;
  }
  CacheShape shape_ = shape_of(GetParam());
  PagePool pool_ = *PagePool::create(shape_.codec->page_bytes(), 16 << 20);
};

}  // namespace weir
