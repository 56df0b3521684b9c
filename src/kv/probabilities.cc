#include "kv/probabilities.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/check.h"
#include "base/number.h"
#include "kernels/attention_piece.h"
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

// The first logit is that of the pages' slot `padding`.
void add_biases(std::span<const AttentionPage> pages, size_t padding, std::span<float> logits) {
  for (size_t i = 0, count = 0; i < logits.size(); i += count) {
    const size_t in_page = (padding + i) % kPageSlots;
    const float* bias = pages[(padding + i) / kPageSlots].bias;
    count = std::min(kPageSlots - in_page, logits.size() - i);
    for (size_t j = 0; bias && j < count; ++j) logits[i + j] += bias[in_page + j];
  }
}

}  // namespace

void Probabilities::gather_keys(const Cache& cache, uint32_t layer, int32_t position) {
  const CacheShape& shape = cache.shape();
  const LayerTable& table = cache.layer(layer);
  const size_t dim = shape.head_dim;
  int32_t most = 0;
  for (uint32_t h = 0; h < shape.kv_heads; ++h) most = std::max(most, table.slot(position, h));
  const size_t pages = ceil_div<size_t>(static_cast<size_t>(most), kPageSlots);
  tiles_ = pages * kTilesPerPage;
  keys_.resize(shape.kv_heads * tiles_ * dim * kLanes);
  threads_.for_each(shape.kv_heads * pages, [&](size_t i) {
    const auto head = static_cast<uint32_t>(i / pages);
    const size_t first = i % pages * kPageSlots;
    const int32_t rows = std::clamp(table.slot(position, head) - static_cast<int32_t>(first), 0,
                                    int32_t{kPageSlots});
    thread_local std::vector<float> k, v;
    k.resize(kPageSlots * dim), v.resize(kPageSlots * dim);
    table.read(head, static_cast<int32_t>(first), rows, k.data(), v.data());
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
  const int32_t slots = table.slot(queries.position + queries.rows, kv_head);
  const size_t stride = tiles_ * kLanes;
  std::vector<float> q(kStripRows * size_t{kRowStride}), p(kStripRows * stride);
  for (int32_t row = 0; row < queries.rows; row += kStripRows) {
    const int32_t strip = std::min(queries.rows - row, kStripRows);
    for (int32_t i = 0; i < strip; ++i) {
      const float* from = queries.q + (static_cast<size_t>(row + i) * shape.heads + head) * dim;
      for (size_t d = 0; d < dim; ++d)
        q[static_cast<size_t>(i * kRowStride) + d] = from[d] * shape.scale;
    }
    for (size_t t = 0; t < tiles_; ++t)
      multiply_key_tile(q.data(), strip, keys + t * dim * kLanes, static_cast<int>(dim),
                        &p[t * kLanes], static_cast<int>(stride));
    for (int32_t i = 0; i < strip; ++i) {
      const auto count =
          static_cast<size_t>(visible(table, kv_head, slots, queries.position + row + i));
      const auto mine = std::span(p).subspan(static_cast<size_t>(i) * stride, stride);
      add_biases(table.pages(kv_head), static_cast<size_t>(table.padding(kv_head)),
                 mine.first(count));
      softmax(mine.first((count + kLanes - 1) / kLanes * kLanes), count);
      take(head, row + i, mine.first(count));
    }
  }
}

void Probabilities::operator()(const Cache& cache, const LayerQueries& queries, const Take& take) {
  const CacheShape& shape = cache.shape();
  WEIR_CHECK(shape.heads > 0 && shape.heads % shape.kv_heads == 0, "{} heads over {}", shape.heads,
             shape.kv_heads);
  WEIR_CHECK(cache.layer(queries.layer).sinks() == 0, "sinks are read by other queries");
  gather_keys(cache, queries.layer, queries.position + queries.rows);
  threads_.for_each(shape.heads, [&](size_t head) {
    of_head(cache, queries, static_cast<uint32_t>(head), take);
  });
}

}  // namespace weir
