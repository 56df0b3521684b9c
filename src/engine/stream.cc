#include "engine/stream.h"

#include <algorithm>

namespace weir {

Room Stream::room(uint64_t length, int32_t prompt_end) const {
  if (!keep) return Room::plain(length);
  int32_t rows = 0;
  for (uint32_t l = 0; l < cache.shape().layers; ++l)
    if (cache.shape().editable(l)) rows = std::max(rows, cache.rows(l));
  return keep->room(cache.length(), rows, length, prompt_end);
}

}  // namespace weir
