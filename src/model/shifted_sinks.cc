#include "model/shifted_sinks.h"

#include <algorithm>

namespace weir {

void ShiftedSinks::add(uint32_t layer, const Rows& rows, const AttentionShape& shape,
                       const RotateBack& back, std::vector<AttentionSpan>& spans) {
  pairs_.clear();
  size_t count = 0;
  for (size_t i = 0; i < rows.spans.size(); ++i) {
    if (rows.spans[i].cache->layer(layer).sinks() == 0) continue;
    pairs_.push_back({i, spans.size() + pairs_.size()});
    count += rows.spans[i].rows;
  }
  const auto heads = static_cast<size_t>(shape.heads), dim = static_cast<size_t>(shape.head_dim);
  lists_.resize(pairs_.size() * static_cast<size_t>(shape.kv_heads));
  q_.resize(count * heads * dim), out_.resize(count * heads * dim);
  max_.resize(2 * count * heads), sum_.resize(2 * count * heads);
  spans.reserve(spans.size() + pairs_.size());
  size_t row = 0;
  for (size_t i = 0; i < pairs_.size(); ++i) {
    const Cache& cache = *rows.spans[pairs_[i].rows_span].cache;
    AttentionSpan& main = spans[pairs_[i].rows_span];
    const size_t n = static_cast<size_t>(main.rows) * heads, at = row * heads;
    std::copy_n(main.q, n * dim, &q_[at * dim]);
    back(&q_[at * dim], n, cache.layer(layer).shift());
    const auto lists = std::span(lists_).subspan(i * static_cast<size_t>(shape.kv_heads),
                                                 static_cast<size_t>(shape.kv_heads));
    cache.sinks(layer, lists);
    main.max = &max_[count * heads + at], main.sum = &sum_[count * heads + at];
    const AttentionSpan sinks{lists,           main.rows, &q_[at * dim],
                              &out_[at * dim], &max_[at], &sum_[at]};
    spans.push_back(sinks);
    row += static_cast<size_t>(main.rows);
  }
}

void ShiftedSinks::merge(const AttentionShape& shape, std::span<const AttentionSpan> spans) {
  const auto dim = static_cast<size_t>(shape.head_dim);
  for (const Pair& pair : pairs_) {
    const AttentionSpan &main = spans[pair.rows_span], &sinks = spans[pair.sinks_span];
    const auto n = static_cast<size_t>(main.rows * shape.heads);
    for (size_t i = 0; i < n; ++i) {
      Partial all{sinks.max[i], sinks.sum[i], {sinks.out + i * dim, dim}};
      weir::merge(all, {main.max[i], main.sum[i], {main.out + i * dim, dim}});
      finish(all, main.out + i * dim);
    }
  }
}

}  // namespace weir
