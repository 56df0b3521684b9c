// What queries attend to: softmax probabilities over the rows of one layer of a cache, for methods
// that ask; a merged row weighs as all that it stands for. Each is a function of its query and of
// the rows it sees, in the order of slots, and of nothing else: not of the queries beside it, nor
// of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kv/cache.h"

namespace weir {

// Queries of one sequence in one layer, in order of position.
struct LayerQueries {
  uint32_t layer = 0;
  int32_t position = 0, rows = 0;
  const float* q = nullptr;  // [rows][heads][head_dim], rotated.
};

// Its scratch memory is kept from call to call: one serves all sequences of an engine.
class Probabilities {
 public:
  // Takes query row `row` of a head: probabilities of all slots up to the query's own. Called for
  // one head in ascending order of rows, for different heads by several threads at once.
  using Take = std::function<void(uint32_t head, int32_t row, std::span<const float> p)>;

  explicit Probabilities(ThreadPool& threads) : threads_(threads) {}

  // REQUIRES the queries' own rows to be written, if not yet counted, and a layer without sinks.
  void operator()(const Cache& cache, const LayerQueries& queries, const Take& take);

 private:
  void gather_keys(const Cache& cache, uint32_t layer, int32_t position);
  void of_head(const Cache& cache, const LayerQueries& queries, uint32_t head,
               const Take& take) const;

  ThreadPool& threads_;
  size_t tiles_ = 0;
  std::vector<float> keys_;  // [kv_heads][tiles][head_dim][lanes]
};

}  // namespace weir
