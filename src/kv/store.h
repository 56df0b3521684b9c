// How a sequence's settled rows are stored: those that a codec has encoded, a page of 64 at a time,
// at points that follow from the number of tokens alone. The latest rows stay as they are. A
// retriever's summaries of full pages come with the same numbers of tokens.
//
//   slot:   0           64          128         192
//           | encoded   | encoded   | as they are (at least `residual`, up to the next point)
//           | summary   | summary   | summary   | (none yet)
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/layout.h"
#include "kv/codec.h"
#include "kv/layer_budget.h"
#include "kv/recipe.h"
#include "kv/retriever.h"

namespace weir {

inline constexpr int32_t kNoPoint = INT32_MAX;

// Layers whose rows are encoded together.
using LayerGroup = std::vector<uint32_t>;

struct Store {
  std::shared_ptr<const Codec> codec;  // Null: all rows stay as they are.
  int32_t residual = 0;
  std::string recipe;                                    // Its text.
  std::shared_ptr<const Retriever> retriever = nullptr;  // Null: every row is read.

  explicit operator bool() const { return codec != nullptr; }
  // What happens to rows, and the version of the bytes that they become: for keys.
  std::string act() const { return codec ? recipe + " by " + codec->id() : recipe; }
  // After how many tokens rows are encoded next: those up to there may be computed, no more.
  int32_t next_point(int32_t length) const {
    return codec ? (length / kPageSlots + 1) * kPageSlots : kNoPoint;
  }
  // Of so many rows, the first that are to be encoded: whole pages.
  int32_t settled(int32_t rows) const {
    return rows > residual ? (rows - residual) / kPageSlots * kPageSlots : 0;
  }
  // After so many tokens, how many of them may have summaries.
  static int32_t summarised(int32_t length) { return length / kPageSlots * kPageSlots; }
  // Of the layers that may be encoded, in order: those that are.
  std::vector<LayerGroup> groups(std::span<const uint32_t> layers) const;
  // The most bytes that so many layers take with up to `rows` rows, of which the edits of a point
  // may leave `kept`, in a pool of such pages.
  uint64_t bytes_max(const LayerRows& rows, const LayerRows& kept, uint64_t layers,
                     size_t pool_page_bytes) const;

 private:
  // How many groups so many layers make.
  uint64_t group_count(uint64_t layers) const {
    return (layers - codec->first_layer(layers)) / codec->group();
  }
  // The most bytes that a layer with up to `rows` rows takes, of which an edit may leave `kept`, in
  // a pool of such pages.
  uint64_t layer_bytes_max(uint64_t rows, uint64_t kept, size_t pool_page_bytes) const;
  // Of the encoded pages of so many rows in one group.
  uint64_t encoded_bytes(uint64_t rows, size_t pool_page_bytes) const;
  // Of all layers, where pages hold the rows of several: without edits, and with them.
  uint64_t grouped_bytes_max(uint64_t rows, uint64_t layers, size_t pool_page_bytes) const;
  uint64_t edited_bytes_max(const LayerRows& rows, const LayerRows& kept, uint64_t layers,
                            size_t pool_page_bytes) const;
};

// As a recipe says, for pages of such a shape.
Store make_store(const Recipe& recipe, const PageShape& shape);

}  // namespace weir
