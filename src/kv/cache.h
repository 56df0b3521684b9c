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
// lets go of blocks that no query to come can read. An edit leaves some of a layer's rows, copied
// bit for bit into extents of their own, and lets go of the rest (layer_table.h). Where a recipe
// names a codec, settled rows are encoded at points (store.h); where it names a retriever, full
// pages have summaries (page_index.h).
//
// Rows may pass the layers in steps, each through all of them, or layer by layer (a cascade): then
// a layer has rows that do not count yet, and may be edited, before the next one has them.
//
// Owned by the engine's thread. Only the cache mutates what it holds.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/attention.h"
#include "kv/cache_shape.h"
#include "kv/edit.h"
#include "kv/key.h"
#include "kv/layer_table.h"
#include "kv/page.h"
#include "kv/page_index.h"
#include "kv/page_pool.h"

namespace weir {

// Pages of 64 rows, of each layer and KV head: those that retrieving queries read, of those there
// were for them.
struct PageCounts {
  uint64_t read = 0, there = 0;
};

class Cache {
 public:
  // `shape` and `pool` outlive the cache. `root` is the key before the first page. REQUIRES a codec
  // that takes rows one by one, gives back what a page holds and rounds that to itself, and whose
  // pages attention reads in place.
  Cache(const CacheShape& shape, PagePool& pool, const PageKey& root, Store store = {});

  // A second sequence with the same rows; pages are shared until written. kUnavailable if the
  // budget cannot promise what the copy may come to use.
  Result<Cache> fork() const { return fork(store_); }
  // Likewise, with a store for the rows from here on. REQUIRES this one to have none or the same,
  // no row that would be encoded already, and no cascade on its way.
  Result<Cache> fork(const Store& store) const;

  // Makes sure of memory for so much room and what was promised before, or kUnavailable with
  // nothing changed. A number of tokens: without edits.
  Status promise(const Room& room);
  Status promise(uint64_t tokens) { return promise(Room::plain(tokens)); }
  // The bytes that promise(room) would add to what is promised.
  uint64_t promise_bytes(const Room& room) const;
  uint64_t promise_bytes(uint64_t tokens) const { return promise_bytes(Room::plain(tokens)); }
  // No more than `room` will be needed from here on: others may have the rest. REQUIRES that it
  // takes no more bytes than are promised.
  void settle(const Room& room);
  const Room& room() const { return room_; }

  // Makes room for rows at positions [length, length + rows). REQUIRES them to be promised.
  void extend(int32_t rows) { extend(0, shape_->layers, length_ + rows); }
  // Likewise up to position `to`, in the layers [begin, end).
  void extend(uint32_t begin, uint32_t end, int32_t to);
  // Writes rows of one layer, k and v [rows][kv_heads][head_dim], at positions that extend() made
  // room for. Different rows may be written by several threads at once.
  void write(uint32_t layer, int32_t position, const float* k, const float* v, int32_t rows = 1);
  // The layers [begin, end) have the rows before `position`, which do not count yet, and more are
  // to come before that: frees what is out of reach in them and encodes what is settled.
  void pass(uint32_t begin, uint32_t end, int32_t position);
  // All layers have the new rows: they count. `inputs` is what they were computed from; `retrieved`
  // says that they have chosen what they read. Frees what is out of reach.
  void advance(std::span<const int32_t> inputs, bool retrieved = false);
  // Carries edits out, one layer after the other, where layers have the rows before `position`:
  // more than count only in a cascade, which ends with a call for those that do. `act` says what
  // was done and enters the keys of all that is computed from here on. REQUIRES a promise with
  // room for such edits, and layers that may be edited, each named once.
  void apply(std::span<const Edit> edits, int32_t position, std::string_view act);
  void apply(std::span<const Edit> edits, std::string_view act) { apply(edits, length_, act); }

  // Encodes what is settled. REQUIRES all rows of a step to count, and calls at equal lengths for
  // equal bits: at next_point() and wherever rows were edited.
  void seal();
  // Rows may be computed up to here before they are to be sealed.
  int32_t next_point() const { return store_.next_point(length_); }
  const Store& store() const { return store_; }
  // Brings the summaries of pages up to date, where a retriever wants any. REQUIRES all rows of a
  // step to count, edited and sealed.
  void summarise();

  // Null: every row is read.
  const Retriever* retriever() const { return store_.retriever.get(); }
  // Whether queries choose what they read of a layer: not where heads have unequally many rows.
  bool indexed(uint32_t layer) const {
    return retriever() && shape_->editable(layer) && layer >= retriever()->dense_layers() &&
           !layers_[layer].ragged();
  }
  // REQUIRES an indexed layer. Its pages are those of pages(), the first so many.
  const PageIndex& index(uint32_t layer) const { return index_[layer]; }
  // Of all queries so far, a fork's origin's included.
  const PageCounts& reads() const { return reads_; }
  void count_reads(const PageCounts& more) { reads_.read += more.read, reads_.there += more.there; }

  const CacheShape& shape() const { return *shape_; }
  PagePool& pool() const { return *pool_; }
  int32_t length() const { return length_; }
  // Rows that a KV head of a layer holds for queries at `length` and later; of any head, where all
  // have as many.
  int32_t rows(uint32_t layer, uint32_t head = 0) const {
    return layers_[layer].slot(length_, head);
  }
  // Of the layers that edits may touch, heads' mean.
  LayerRows rows() const;
  const LayerTable& layer(uint32_t layer) const { return layers_[layer]; }
  // One list for each KV head, for queries at positions [position, ...), none before the last edit:
  // valid until extend().
  void lists(uint32_t layer, int32_t position, std::span<AttentionList> out) const;

  // Likewise over the layer's sinks alone, for the same queries moved back by the layer's shift.
  // REQUIRES some.
  void sinks(uint32_t layer, std::span<AttentionList> out) const;

  // The same rows as lists of slices, for whoever means to edit them: a view of each page, nothing
  // dropped. Freed pages keep their places, so that pieces stay where they were. Holds the pages:
  // whoever keeps it past the next extend() promises its bytes, for the cache then writes into a
  // copy of its open block.
  LayerLists layer_lists(uint32_t layer) const { return layers_[layer].lists(layer, keys_); }

  // Bytes that it holds, shared ones included.
  uint64_t bytes() const;
  // The keys of its full blocks of 256 tokens.
  std::span<const PageKey> keys() const { return keys_; }

 private:
  bool counts_all() const;
  void count(std::span<const int32_t> inputs);
  LayerRows rows_with(uint32_t begin, uint32_t end, int32_t to) const;
  void free_out_of_reach(uint32_t begin, uint32_t end, int32_t position);
  // Encodes what is settled of the rows before `position`: of the groups whose last layer is one of
  // [begin, end), so that all of a group have them.
  void seal(uint32_t begin, uint32_t end, int32_t position);
  void seal(const LayerGroup& group, int32_t position);
  // The keys from here on are those of no clean block.
  void leave_clean(std::string_view act);

  const CacheShape* shape_;
  PagePool* pool_;
  Store store_;
  std::vector<LayerGroup> groups_;  // That the store encodes.
  PromisedBytes promised_;          // Outlives the layers: used bytes fall before what covers them.
  Room room_;
  std::vector<LayerTable> layers_;
  std::vector<PageIndex> index_;      // [layers] if there is a retriever.
  std::vector<int32_t> open_inputs_;  // Inputs of rows not yet under a key.
  std::vector<PageKey> keys_;
  PageKey last_key_;
  int32_t length_ = 0;         // Rows that count.
  bool sealed_ = false;        // Some row was encoded.
  int32_t sealed_ahead_ = 0;   // After so many, where that was before they counted; 0: it was not.
  bool edited_ahead_ = false;  // Some layer was edited before its rows counted.
  bool retrieved_ = false;     // Some row has chosen what it read.
  PageCounts reads_;
};

}  // namespace weir
