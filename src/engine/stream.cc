#include "engine/stream.h"

namespace weir {

// Rows that choose what they read do so among pages that had their summaries at the last multiple
// of a page's rows.
int32_t Stream::next_point() const {
  const int32_t length = cache.length();
  if (!cache.retriever()) return next_edit();
  if (length < decodes_from) return std::min(next_edit(), decodes_from);
  return std::min(next_edit(), (length / kPageSlots + 1) * kPageSlots);
}

Room Stream::room(uint64_t length, int32_t prompt_end) const {
  return keep ? keep->room(cache, length, prompt_end) : Room::plain(length);
}

}  // namespace weir
