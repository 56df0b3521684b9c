// The cache's data: a table of lists, one for each layer and KV head.
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
// in length, codec, tier and owner. An unedited sequence keeps no slices at all: see cache.h.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

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

// Immutable rows.
struct Page {
  ExtentRef bytes;      // Where they lie,
  uint32_t page = 0;    // in which page of the extent,
  uint32_t rows = 0;    // and how many.
  uint32_t layers = 1;  // The group of lists it serves: adjacent layers from `first`,
  uint32_t heads = 1;   // and heads (one, or all).
  Place first;
  std::string codec = "raw";
  bool rotated = true;  // Keys carry their positions' rotation.
  Positions positions;
  std::vector<float> bias;  // Of rows that stand for several from birth; empty: zeros.
  PageKey key;
};

// How a slice's positions are read by a query.
enum class Reading : uint8_t {
  kStored,   // As the page has them.
  kShifted,  // Moved by `shift`: the query is rotated the other way, no key is touched.
  kListed,   // By the slice's own positions (the page's keys are not rotated).
  kFixed,    // All at one distance `shift` before the query.
};

struct Slice {
  uint32_t page = 0;            // Index into the sequence's table of held pages.
  uint32_t begin = 0, end = 0;  // Rows of the page.
  Reading reading = Reading::kStored;
  int32_t shift = 0;
  uint32_t group = 0;       // Index into the list's groups.
  Positions positions;      // For kListed.
  std::vector<float> bias;  // Private; empty: the page's own.
};

// Slices of a group fold together; then their logits' scale and their mass's exponent apply
// (parallel contexts, Yang et al., 2025), before the groups merge in order.
struct SliceGroup {
  float logit_scale = 1;
  float mass_exponent = 1;
};

struct List {
  std::vector<Slice> slices;  // By position of the first row, then by age.
  std::vector<SliceGroup> groups{SliceGroup{}};
};

}  // namespace weir
