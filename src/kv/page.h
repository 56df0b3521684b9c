// The cache's data where lists differ: for each KV head of a layer, a list of slices.
//
//   list (layer 3, head 1):   slice ----------> slice ----------> slice
//                             rows 0..63        rows 64..90       rows 91..154
//                             bias: none        bias: [-inf, 0,   bias: none
//                             as stored          log 3, ...]      shifted by -512
//                               |                 |                 |
//                               v                 v                 v
//                             page (raw)        page (int4)       page (raw, another session's too)
//
// A page holds immutable rows, for the lists that its codec groups together; sequences share it. A
// slice is one list's private view of a page: which rows, how their positions are read, and a
// number for each row that is added to its logit. Attention folds over slices, so they may differ
// in length, codec and owner (list_attention.h). An unedited sequence keeps no slices at all: its
// block table becomes lists only when asked (Cache::layer_lists).
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "kv/codec.h"
#include "kv/key.h"
#include "kv/page_pool.h"

namespace weir {

// Added to a row's logit: 0 a plain row, log n one that stands for n merged ones, this: dropped.
inline constexpr float kDropped = -std::numeric_limits<float>::infinity();

// Names one list of rows.
struct Place {
  uint32_t layer = 0, head = 0;
};

// Positions of a page's or slice's rows. An unbroken run takes no memory beyond its first.
struct Positions {
  int32_t first = 0;
  std::vector<int32_t> each;  // Empty: first, first + 1, ...

  int32_t at(uint32_t row) const {
    return each.empty() ? first + static_cast<int32_t>(row) : each[row];
  }
};

// Immutable rows. A record of it is copied with its list; the bytes are shared and counted.
struct Page {
  ExtentRef extent;     // Where the bytes lie; empty: freed, because no query to come reads them.
  size_t offset = 0;    // Bytes from the extent's beginning,
  uint32_t rows = 0;    // and how many rows.
  uint32_t layers = 1;  // The group of lists it serves: adjacent layers from `first`,
  uint32_t heads = 1;   // and heads. The codec's lists are [layers][heads],
  Place first;
  uint32_t first_list = 0;  // from this one on.
  const Codec* codec = nullptr;
  bool rotated = true;  // Keys carry their positions' rotation.
  Positions positions;
  std::vector<float> bias;  // Of rows that stand for several from birth; empty: zeros.
  PageKey key;              // Of its block; zeros while rows are still to come.

  const std::byte* bytes() const { return extent.page(0) + offset; }
  // Which of the codec's lists the rows of `at` are.
  uint32_t list(Place at) const {
    return first_list + (at.layer - first.layer) * heads + at.head - first.head;
  }
};

// How a slice's positions are read by a query.
enum class Reading : uint8_t {
  kStored,   // As the page has them.
  kShifted,  // Moved by `shift`: the query is rotated the other way, no key is touched.
  kListed,   // By the slice's own positions (the page's keys are not rotated).
  kFixed,    // All at one distance `shift` before the query (nor are they here).
};

struct Slice {
  uint32_t page = 0;            // Index into LayerLists::pages.
  uint32_t begin = 0, end = 0;  // Rows of the page.
  Reading reading = Reading::kStored;
  int32_t shift = 0;
  uint32_t group = 0;            // Index into the list's groups.
  Positions positions = {};      // For kListed, of rows begin, begin + 1, ...
  std::vector<float> bias = {};  // Private, of those rows; empty: the page's own.
};

// Slices of a group fold together; then their logits' scale and their mass's exponent apply
// (parallel contexts, Yang et al., 2025), before the groups merge in order.
struct SliceGroup {
  float logit_scale = 1;
  float mass_exponent = 1;
};

struct List {
  std::vector<Slice> slices;  // By group, position of the first row, and age.
  std::vector<SliceGroup> groups{SliceGroup{}};
};

// One layer of a sequence. A copy shares the pages and nothing else.
struct LayerLists {
  uint32_t layer = 0;
  std::vector<Page> pages;  // Held for as long as this is.
  std::vector<List> lists;  // [kv_heads]

  // Of row `row` of the slice's page.
  float bias(const Slice& slice, uint32_t row) const;
  // Gives the slice biases of its own; its page, and who else reads it, keep theirs.
  void set_bias(Slice& slice, uint32_t row, float value) const;
  // Rows of a KV head that are not dropped.
  uint32_t live(uint32_t head) const;
  // Committed bytes of the extents that it holds, shared ones included.
  uint64_t bytes() const;
};

}  // namespace weir
