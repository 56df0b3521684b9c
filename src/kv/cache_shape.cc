#include "kv/cache_shape.h"

#include <algorithm>

#include "base/number.h"
#include "kernels/layout.h"

namespace weir {
namespace {

uint64_t pages(uint64_t rows) {
  return ceil_div<uint64_t>(rows, kPageSlots);
}

}  // namespace

Room Room::operator|(const Room& other) const {
  return {std::max(tokens, other.tokens), std::max(rows, other.rows), std::max(kept, other.kept),
          std::max(row_bytes, other.row_bytes), std::max(fixed_bytes, other.fixed_bytes)};
}

uint64_t CacheShape::peak_bytes(const Room& room, size_t page_bytes_of_pool,
                                const Store& store) const {
  // A kept row has a position and a bias of its own in each head, and another bias among sinks.
  const uint64_t places =
      pages(room.kept) * kPageSlots * kv_heads * (sizeof(int32_t) + 2 * sizeof(float));
  uint64_t all_pages = 0, others = room.fixed_bytes;
  bool edits = false;
  for (uint32_t l = 0; l < layers; ++l) {
    const Reach& r = reach[l];
    uint64_t held = editable(l) ? room.rows : room.tokens;
    if (r.kind == Reach::Kind::kWindow || r.kind == Reach::Kind::kOwnBlock)
      held = std::min<uint64_t>(
          held, static_cast<uint64_t>(r.window) + step_tokens_max + 2 * kBlockSlots);
    if (store && editable(l))
      others += store.layer_bytes_max(held, room.kept, page_bytes_of_pool);
    else
      all_pages += pages(held);
    if (!editable(l)) continue;
    others += room.rows * room.row_bytes + places;
    edits = room.kept > 0;
  }
  if (edits) all_pages += pages(room.kept), others += places;
  return all_pages * page_bytes_of_pool + others;
}

}  // namespace weir
