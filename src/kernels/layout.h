// The sizes on which bits depend. They stand here and nowhere else: whoever changes one changes
// kArithmeticVersion with it, which is part of every cache key.
#pragma once

#include <cstdint>

namespace weir {

inline constexpr uint32_t kArithmeticVersion = 2;

inline constexpr int kQuantBlock = 32;  // Columns that share a scale in quantised activations.
inline constexpr int kTileRows = 16;    // Outputs of a weight tile, one to a lane.
inline constexpr int kPageSlots = 64;   // Slots of a page of keys and values.
inline constexpr int kLaneRun = 32;     // Slots of K, or dimensions of V, that lie side by side.
inline constexpr int kPieceSlots =
    256;  // Slots that attention folds on their own, at absolute places.
inline constexpr int kBlockSlots = 256;  // Tokens of a block of a sequence's cache.

}  // namespace weir
