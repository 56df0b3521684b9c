// The keys and values of one sequence.
//
// An unedited sequence is a short table of blocks: 256 tokens, all layers and heads.
//
//              block 0         block 1         block 2 (open)
//   layer 0    extent -------- extent -------- extent        each extent: 4 pages of 64 tokens,
//   layer 1    (freed) ------- extent -------- extent        committed as tokens come
//   ...
//
// Extents are shared between forks and copied on the first write. A layer whose reach is a window
// lets go of blocks that no query to come can read.
//
// Owned by the engine's thread. Only the cache mutates what it holds.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/attention.h"
#include "kv/codec.h"
#include "kv/key.h"
#include "kv/page.h"
#include "kv/page_pool.h"
#include "kv/reach.h"

namespace weir {

// What is the same for all sequences of a model.
struct CacheShape {
  uint32_t layers = 0, kv_heads = 0, head_dim = 0;
  DType kv = DType::kF16;
  std::vector<Reach> reach;      // [layers]
  uint32_t step_tokens_max = 0;  // Rows that one step may add; they are all held until its end.
  std::shared_ptr<const Codec> codec = nullptr;  // Of open pages, made for page_shape().

  // A block's page: all heads of one layer.
  PageShape page_shape() const { return {kv_heads, head_dim, kv}; }
  // The most that a sequence of so many tokens may come to use.
  uint64_t peak_bytes(uint64_t tokens, size_t page_bytes_of_pool) const;
};

class Cache {
 public:
  // `shape` and `pool` outlive the cache. `root` is the key before the first page. REQUIRES a codec
  // that takes rows one by one and whose pages attention reads in place.
  Cache(const CacheShape& shape, PagePool& pool, const PageKey& root);
  Cache(Cache&& other) noexcept;
  Cache& operator=(Cache&& other) noexcept;
  ~Cache();

  // A second sequence with the same rows; pages are shared until written. kUnavailable if the
  // budget cannot promise what the copy may come to use.
  Result<Cache> fork() const;

  // Makes sure of memory for `tokens` rows in all, or kUnavailable with nothing changed.
  Status promise(uint64_t tokens);
  // The bytes that promise(tokens) would add to what is promised.
  uint64_t promise_bytes(uint64_t tokens) const;

  // Makes room for rows at positions [length, length + rows). REQUIRES them to be promised.
  void extend(int32_t rows);
  // Writes rows of one layer, k and v [rows][kv_heads][head_dim], at positions that extend() made
  // room for. Different rows may be written by several threads at once.
  void write(uint32_t layer, int32_t position, const float* k, const float* v, int32_t rows = 1);
  // All layers have the new rows: they count. `inputs` is what they were computed from. Frees what
  // is out of reach.
  void advance(std::span<const int32_t> inputs);

  const CacheShape& shape() const { return *shape_; }
  int32_t length() const { return length_; }
  // One list for each KV head, for queries at positions [position, ...): valid until extend().
  void lists(uint32_t layer, int32_t position, std::span<AttentionList> out) const;

  // The same rows as lists of slices, for whoever means to edit them: a view of each page, nothing
  // dropped. Freed pages keep their places, so that pieces stay where they were. Holds the pages:
  // whoever keeps it past the next extend() promises its bytes, for the cache then writes into a
  // copy of its open block.
  LayerLists layer_lists(uint32_t layer) const;

  // Committed bytes that it holds, shared ones included.
  uint64_t bytes() const;
  // The keys of its full blocks.
  std::span<const PageKey> keys() const { return keys_; }

 private:
  struct Block {
    std::vector<ExtentRef> by_layer;
  };
  void point_at(uint32_t layer, size_t block, int page);
  void own_open_block();
  void free_out_of_reach();

  const CacheShape* shape_;
  PagePool* pool_;
  std::vector<Block> blocks_;
  std::vector<std::vector<AttentionPage>>
      pages_;                         // [layer * kv_heads + head][slot / 64], for kernels.
  std::vector<size_t> freed_;         // Blocks let go, per layer.
  std::vector<int32_t> open_inputs_;  // Inputs of rows not yet under a key.
  std::vector<PageKey> keys_;
  PageKey last_key_;
  int32_t length_ = 0;    // Rows that count.
  int32_t extended_ = 0;  // Rows there is room for.
  uint64_t promised_tokens_ = 0, promised_bytes_ = 0;
};

}  // namespace weir
