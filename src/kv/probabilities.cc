#include "kv/probabilities.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/check.h"
#include "kernels/layout.h"

namespace weir {
namespace {

constexpr size_t kLanes = 16;
constexpr size_t kTilesPerPage = kPageSlots / kLanes;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

// exp(x) for x <= 0 to about 2^-22, 0 below -87; in operations that every compiler rounds alike.
float exponential(float x) {
  constexpr float kShift = 0x1.8p23f;
  const float shifted = x * 0x1.715476p+0f + kShift, n = shifted - kShift;
  const float r = (x - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f;
  float sum = 1.0f / 720 * r + 1.0f / 120;
  sum = sum * r + 1.0f / 24;
  sum = sum * r + 1.0f / 6;
  sum = sum * r + 0.5f;
  sum = sum * r + 1;
  sum = sum * r + 1;
  // The low bits of `shifted` are n: they go to the exponent.
  const uint32_t exponent = std::bit_cast<uint32_t>(shifted) << 23;
  // A choice that compilers make for whole vectors: negative floats grow with their bits.
  const bool seen = std::bit_cast<uint32_t>(x) <= std::bit_cast<uint32_t>(-87.0f);
  return std::bit_cast<float>((std::bit_cast<uint32_t>(sum) + exponent) &
                              (0u - static_cast<uint32_t>(seen)));
}

// Slots of one KV head whose rows do not come after the query at `position`.
int32_t visible(const LayerTable& table, uint32_t kv_head, int32_t slots, int32_t position) {
  int32_t low = 0, high = slots;
  while (low < high) {
    const int32_t middle = (low + high) / 2;
    if (table.position(kv_head, middle) <= position)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

// Logits of the slots of one tile: one chain over the dimensions for each.
void tile_logits(const float* q, const float* keys, size_t dim, float* to) {
  float sum[kLanes] = {};
  for (size_t d = 0; d < dim; ++d)
    for (size_t i = 0; i < kLanes; ++i) sum[i] += q[d] * keys[d * kLanes + i];
  std::copy_n(sum, kLanes, to);
}

// Logits to probabilities, in place: lanes of sums, added in order. `p` is of whole tiles, of which
// `count` slots are seen.
void softmax(std::span<float> p, size_t count) {
  std::fill(p.begin() + static_cast<ptrdiff_t>(count), p.end(), kLowest);
  float max = kLowest;
  for (const float x : p) max = x > max ? x : max;
  for (float& x : p) x = exponential(x - max);
  float lanes[kLanes] = {};
  for (size_t t = 0; t < p.size(); t += kLanes)
    for (size_t i = 0; i < kLanes; ++i) lanes[i] += p[t + i];
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  const float factor = 1 / sum;
  for (float& x : p) x *= factor;
}

}  // namespace

void Probabilities::gather_keys(const Cache& cache, uint32_t layer, int32_t slots) {
  const CacheShape& shape = cache.shape();
  const size_t dim = shape.head_dim;
  const size_t pages = (static_cast<size_t>(slots) + kPageSlots - 1) / kPageSlots;
  tiles_ = pages * kTilesPerPage;
  keys_.resize(shape.kv_heads * tiles_ * dim * kLanes);
  threads_.for_each(shape.kv_heads * pages, [&](size_t i) {
    const auto head = static_cast<uint32_t>(i / pages);
    const size_t first = i % pages * kPageSlots;
    const auto rows = static_cast<int32_t>(std::min<size_t>(kPageSlots, slots - first));
    thread_local std::vector<float> k, v;
    k.resize(kPageSlots * dim), v.resize(kPageSlots * dim);
    cache.layer(layer).read(head, static_cast<int32_t>(first), rows, k.data(), v.data());
    std::fill(k.begin() + rows * static_cast<ptrdiff_t>(dim), k.end(), 0.0f);
    float* to = &keys_[(head * tiles_ + first / kLanes) * dim * kLanes];
    for (size_t r = 0; r < kPageSlots; ++r)
      for (size_t d = 0; d < dim; ++d)
        to[(r / kLanes * dim + d) * kLanes + r % kLanes] = k[r * dim + d];
  });
}

void Probabilities::of_head(const Cache& cache, const LayerQueries& queries, uint32_t head,
                            const Take& take) const {
  const CacheShape& shape = cache.shape();
  const LayerTable& table = cache.layer(queries.layer);
  const size_t dim = shape.head_dim;
  const uint32_t kv_head = head / (shape.heads / shape.kv_heads);
  const float* keys = &keys_[kv_head * tiles_ * dim * kLanes];
  std::vector<float> q(dim), p(tiles_ * kLanes);
  const int32_t slots = table.slot(queries.position + queries.rows);
  for (int32_t row = 0; row < queries.rows; ++row) {
    const float* from = queries.q + (static_cast<size_t>(row) * shape.heads + head) * dim;
    for (size_t d = 0; d < dim; ++d) q[d] = from[d] * shape.scale;
    const auto count = static_cast<size_t>(visible(table, kv_head, slots, queries.position + row));
    const size_t tiles = (count + kLanes - 1) / kLanes;
    for (size_t t = 0; t < tiles; ++t) {
      tile_logits(q.data(), keys + t * dim * kLanes, dim, &p[t * kLanes]);
      if (const float* bias = table.pages(kv_head)[t / kTilesPerPage].bias)
        for (size_t i = 0; i < kLanes; ++i)
          p[t * kLanes + i] += bias[t % kTilesPerPage * kLanes + i];
    }
    softmax(std::span(p).first(tiles * kLanes), count);
    take(head, row, std::span(p).first(count));
  }
}

void Probabilities::operator()(const Cache& cache, const LayerQueries& queries, const Take& take) {
  const CacheShape& shape = cache.shape();
  WEIR_CHECK(shape.heads > 0 && shape.heads % shape.kv_heads == 0, "{} heads over {}", shape.heads,
             shape.kv_heads);
  WEIR_CHECK(cache.layer(queries.layer).sinks() == 0, "sinks are read by other queries");
  gather_keys(cache, queries.layer,
              cache.layer(queries.layer).slot(queries.position + queries.rows));
  threads_.for_each(shape.heads, [&](size_t head) {
    of_head(cache, queries, static_cast<uint32_t>(head), take);
  });
}

}  // namespace weir
