#include "kv/store.h"

#include <algorithm>

#include "base/number.h"
#include "kv/packed_pages.h"

namespace weir {

Store make_store(const Recipe& recipe, const PageShape& shape) {
  Store out;
  out.act = recipe.text();
  if (recipe.store) {
    out.codec = recipe.store->method->make(shape, recipe.store->arguments);
    out.residual = recipe.store->arguments.whole("residual");
  }
  if (recipe.read) out.retriever = recipe.read->method->make(recipe.read->arguments);
  return out;
}

// Where layers have unequal rows, what bounds each of them is added up over all: the most pages of
// rows, or of what is raw with one begun block held back by a fork; and of encoded pages, with an
// extent that is begun in each layer.
uint64_t Store::bytes_max(const LayerRows& rows, const LayerRows& kept, uint64_t layers,
                          size_t pool_page_bytes) const {
  const uint64_t equal = layers * layer_bytes_max(rows.most, kept.most, pool_page_bytes);
  const uint64_t block = kBlockSlots / kPageSlots;
  const uint64_t beside = static_cast<uint64_t>(residual) + 3 * kPageSlots - 1;
  const uint64_t raw = std::min(rows.pages(layers), (kept + beside).pages(layers) + layers * block);
  const uint64_t encoded =
      PackedPages::bytes(rows.mean * layers / kPageSlots, codec->page_bytes(), pool_page_bytes);
  return std::min(equal, (raw + layers + block) * pool_page_bytes + encoded);
}

// Between two points: the residual, less than a page that was not full, a page of new rows. What an
// edit left is raw until the same point encodes it. A fork may hold the rest of a block back.
uint64_t Store::layer_bytes_max(uint64_t rows, uint64_t kept, size_t pool_page_bytes) const {
  const uint64_t raw = std::max<uint64_t>(static_cast<uint64_t>(residual) + 2 * kPageSlots - 1,
                                          kept > 0 ? kept + kPageSlots : 0);
  const uint64_t block = kBlockSlots / kPageSlots - 1;
  const uint64_t whole = ceil_div<uint64_t>(rows, kPageSlots);
  const uint64_t pages = std::min(whole, ceil_div<uint64_t>(raw, kPageSlots) + block);
  return pages * pool_page_bytes +
         PackedPages::bytes(static_cast<uint64_t>(settled(
                                static_cast<int32_t>(std::min<uint64_t>(rows, INT32_MAX)))) /
                                kPageSlots,
                            codec->page_bytes(), pool_page_bytes);
}

}  // namespace weir
