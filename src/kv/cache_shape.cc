#include "kv/cache_shape.h"

#include "base/number.h"
#include "kernels/layout.h"
#include "kv/page_index.h"

namespace weir {

Room Room::operator|(const Room& other) const {
  return {std::max(tokens, other.tokens),
          rows | other.rows,
          kept | other.kept,
          std::max(row_bytes, other.row_bytes),
          std::max(fixed_bytes, other.fixed_bytes),
          ragged || other.ragged};
}

void CacheShape::use_raw_codecs() {
  codec = *make_codec("raw", page_shape());
  strip_codec = *make_codec("raw", {1, head_dim, kv});
}

std::vector<uint32_t> CacheShape::all_editable() const {
  std::vector<uint32_t> out;
  for (uint32_t l = 0; l < layers; ++l)
    if (editable(l)) out.push_back(l);
  return out;
}

// Of summaries, in the layers that have any.
uint64_t CacheShape::summary_bytes(const LayerRows& rows, const Retriever& retriever) const {
  uint64_t indexed = 0;
  for (uint32_t l = retriever.dense_layers(); l < layers; ++l) indexed += editable(l);
  const uint64_t most = LayerRows(rows.most).pages(1) * indexed;
  return std::min(most, rows.pages(editable_layers())) * PageIndex::page_bytes(*this, retriever);
}

uint64_t CacheShape::peak_bytes(const Room& room, size_t page_bytes_of_pool,
                                const Store& store) const {
  uint64_t pages = 0, others = room.fixed_bytes;
  for (uint32_t l = 0; l < layers; ++l) {
    if (editable(l)) continue;
    const Reach& r = reach[l];
    uint64_t held = room.tokens;
    if (r.kind == Reach::Kind::kWindow || r.kind == Reach::Kind::kOwnBlock)
      held = std::min<uint64_t>(
          held, static_cast<uint64_t>(r.window) + step_tokens_max + 2 * kBlockSlots);
    pages += ceil_div<uint64_t>(held, kPageSlots);
  }
  const uint64_t edited = editable_layers();
  if (store)
    others += store.bytes_max(room.rows, room.kept, edited, page_bytes_of_pool);
  else
    pages += room.rows.pages(edited);
  if (store.retriever) others += summary_bytes(room.rows, *store.retriever);
  // A kept row has a position and a bias of its own in each head, and another bias among sinks.
  const uint64_t places = kPageSlots * kv_heads * (sizeof(int32_t) + 2 * sizeof(float));
  others += room.rows.mean * edited * room.row_bytes + room.kept.pages(edited) * places;
  // Strips: the last of each head need not be full, nor their last page of the pool; rows that an
  // edit left in them are not encoded.
  if (room.ragged) {
    pages += 2 * edited + 2 + (store ? room.kept.pages(edited) : 0);
    others += (2 * edited + 2) * places;
  }
  // The layer that is being rebuilt may be the one that keeps the most.
  const uint64_t rebuilt = edited > 0 ? LayerRows(room.kept.most).pages(1) : 0;
  pages += rebuilt, others += rebuilt * places;
  return pages * page_bytes_of_pool + others;
}

}  // namespace weir
