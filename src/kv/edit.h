// An edit of a cache, as plain data: which rows of a layer stay, and which come in their place. All
// others go, and never come back.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace weir {

// A row made of several: weighted sums of their keys and values. The cache computes its bias, the
// logarithm of the sum of exp(bias) over the sources, so that it weighs as all of them.
struct MergedRow {
  int32_t position = 0;          // Where it stands in the order of rows.
  std::vector<int32_t> sources;  // Slots.
  std::vector<float> k, v;       // A weight for each source.
};

struct HeadEdit {
  std::vector<int32_t> kept;      // Slots, ascending; their bits stay.
  std::vector<MergedRow> merged;  // By ascending position.
};

// Slots are counted before the edit, in each head. A slot is named once, as kept or as a source.
struct Edit {
  uint32_t layer = 0;
  std::vector<HeadEdit> heads;  // [kv_heads]
  // The first so many of the rows that stay are read as though they stood right before the others:
  // a query moves back by as many positions as the layer has lost. They are the sequence's first.
  // REQUIRES none where heads are left unequally many.
  int32_t sinks = 0;
};

// A row as an edit leaves it: one that stays, and is its only source, or a sum.
struct EditedRow {
  int32_t position = 0;
  std::span<const int32_t> sources;  // Slots; lie in the edit.
  const MergedRow* merged = nullptr;
};

// What a head with `slots` rows at these positions comes to hold, in order of position, and of the
// first source. Ends the process where the edit is none of such a head.
std::vector<EditedRow> edited_rows(const HeadEdit& edit, int32_t slots,
                                   const std::function<int32_t(int32_t)>& position_of);

}  // namespace weir
