// Attention of query rows that choose what they read (retriever.h), for one layer of a step at a
// time. Each such row reads, of each KV head, a list of its own: the pages that it named in this
// round, in ascending order, as though no other page lay between (keys carry their rotation, so
// that a slot is no more than a place in the sum).
//
//   cache:    | 0 | 1 | 2 | 3 | 4 | 5 | tail |        what all rounds of a row gave is merged in
//   round 0:  | 0 | 3 | tail |                        order; where one round reads all there is, it
//   round 1:  | 1 | 4 |                               gives the bits of a row that does not choose
//
// All rows of all sequences share one call of attend() a round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/attention.h"
#include "kv/cache.h"
#include "kv/retriever.h"

namespace weir {

// Its memory is kept from layer to layer.
class Retrieval {
 public:
  // Consecutive query rows of one sequence, from `position` on, whose plain attention would be
  // spans[span] of the step. They stand between two multiples of 64 tokens.
  struct Reader {
    Cache* cache;
    int32_t position;
    size_t span;
  };

  // `pool` outlives it.
  explicit Retrieval(ThreadPool& pool) : pool_(pool) {}

  // Round 0 is chosen: the readers' spans, whose caches have the layer indexed, come to have no
  // rows, and spans that read what was named are added.
  void begin(uint32_t layer, const AttentionShape& shape, std::span<const Reader> readers,
             std::vector<AttentionSpan>& spans);
  // After attend(): runs the other rounds, and gives the readers' spans their rows back, with what
  // they were to get.
  void finish(std::span<AttentionSpan> spans);

  // Of a reader since finish(): a bound on the error of each row and head, [rows][heads]; empty
  // where its method gives none.
  std::span<const float> bounds(size_t reader) const;
  // Of keys and values that were read since begin(), of all readers together, and multiplications
  // with them. Computed when called.
  struct Work {
    uint64_t bytes = 0, macs = 0;
  };
  Work work() const;

 private:
  struct Row {
    size_t reader, in_span;
    int32_t slot;  // Its own.
  };
  // What the rows' heads have so far, or what a round gives them: [rows][heads].
  struct Partials {
    std::vector<float> out, max, sum;
    void resize(size_t heads, size_t dim);
    Partial head(size_t at, size_t dim) {
      return {max[at], sum[at], std::span(out).subspan(at * dim, dim)};
    }
  };

  const Cache& cache(const Row& row) const { return *readers_[row.reader].cache; }
  const LayerTable& table(const Row& row) const { return cache(row).layer(layer_); }
  size_t heads_at(size_t read) const { return read * group_; }
  void plan_rows(std::span<const AttentionSpan> spans);
  void start(size_t read, std::span<const AttentionSpan> spans);
  void choose(size_t read);
  void list(size_t read);
  bool choose_again();
  AttentionSpan span(size_t row, const float* q, Partials& to);
  void merge_round();
  void deliver(const Row& row, size_t at, const AttentionSpan& to);
  void count(size_t read);

  ThreadPool& pool_;
  uint32_t layer_ = 0;
  AttentionShape shape_;
  size_t heads_ = 0, kv_heads_ = 0, group_ = 0, dim_ = 0;
  std::vector<Reader> readers_;
  std::vector<int32_t> span_rows_;  // [readers]
  std::vector<Row> rows_;
  // Of each row and KV head, [rows][kv_heads].
  std::vector<PageRead> reads_;
  std::vector<std::vector<AttentionPage>> pages_;
  std::vector<AttentionList> lists_;
  Partials all_, part_;
  std::vector<float> bounds_;  // [rows][heads]
  std::vector<AttentionSpan> round_;
  std::vector<size_t> round_rows_;
};

}  // namespace weir
