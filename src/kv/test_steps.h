// Caches filled as the engine fills them, for tests of this folder.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kv/cache.h"

namespace weir {

// One step towards `to` rows: at most `chunk` of them, up to the next point. `write(layer,
// position)` writes a row.
template <typename Write>
void step_towards(Cache& cache, int32_t to, int32_t chunk, const Write& write) {
  const int32_t at = cache.length(), point = cache.next_point();
  const int32_t rows = std::min({chunk, to - at, point - at});
  cache.extend(rows);
  for (uint32_t l = 0; l < cache.shape().layers; ++l)
    for (int32_t p = at; p < at + rows; ++p) write(l, p);
  cache.advance(std::vector<int32_t>(static_cast<size_t>(rows), 7));
  if (cache.length() == point) cache.seal();
  cache.summarise();
}

}  // namespace weir
