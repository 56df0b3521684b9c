// What is the same for all sequences of a model, and the most that one of them may come to hold.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "kv/codec.h"
#include "kv/layer_budget.h"
#include "kv/reach.h"
#include "kv/store.h"

namespace weir {

// What is promised to a sequence: bounds on what it holds at any time.
struct Room {
  uint64_t tokens = 0;  // Positions.
  LayerRows rows;       // In layers that edits may touch; as many as tokens if there are none.
  LayerRows kept;       // Of those, what the edits of one point leave; 0: there are no edits.
  // What a method notes beside the pages: of each row in each such layer, and in all.
  uint64_t row_bytes = 0, fixed_bytes = 0;
  bool ragged =
      false;  // Edits may leave heads of a layer unequally many: above, their mean counts.

  // Of a sequence that nobody edits.
  static Room plain(uint64_t tokens) { return {tokens, tokens, 0, 0, 0}; }
  // Enough for either.
  Room operator|(const Room& other) const;
};

struct CacheShape {
  uint32_t layers = 0, kv_heads = 0, head_dim = 0;
  DType kv = DType::kF16;
  std::vector<Reach> reach;      // [layers]
  uint32_t step_tokens_max = 0;  // Rows that one step may add; they are all held until its end.
  std::shared_ptr<const Codec> codec = nullptr;  // Of open pages, made for page_shape().
  uint32_t heads = 0;  // Of the queries, and what multiplies a logit.
  float scale = 1;
  uint32_t d_model = 0;  // Floats of a row between layers.
  // Of strips, whose pages have one head (layer_table.h).
  std::shared_ptr<const Codec> strip_codec = nullptr;

  // A block's page: all heads of one layer.
  PageShape page_shape() const { return {kv_heads, head_dim, kv}; }
  // Both codecs: elements as attention reads them.
  void use_raw_codecs();
  // Whether rows of a layer may be dropped by an edit, or encoded. A layer with a reach is exempt:
  // it lets go of its rows by itself.
  bool editable(uint32_t layer) const { return reach[layer].kind == Reach::Kind::kAll; }
  std::vector<uint32_t> all_editable() const;
  uint64_t editable_layers() const {
    return static_cast<uint64_t>(std::ranges::count(reach, Reach::Kind::kAll, &Reach::kind));
  }
  // The most that a sequence with so much room may come to use. While an edit rebuilds a layer, its
  // old rows and its new ones are both held: with edits, that is part of it.
  uint64_t peak_bytes(const Room& room, size_t page_bytes_of_pool, const Store& store = {}) const;
  uint64_t peak_bytes(uint64_t tokens, size_t page_bytes_of_pool) const {
    return peak_bytes(Room::plain(tokens), page_bytes_of_pool);
  }

 private:
  uint64_t summary_bytes(const LayerRows& rows, const Retriever& retriever) const;
};

}  // namespace weir
