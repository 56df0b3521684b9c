#include "kv/store.h"

#include <algorithm>

#include "base/number.h"
#include "kv/packed_pages.h"

namespace weir {

Store make_store(const Recipe& recipe, const PageShape& shape) {
  Store out;
  out.recipe = recipe.text();
  if (recipe.store) {
    out.codec = recipe.store->method->make(shape, recipe.store->arguments);
    out.residual = recipe.store->arguments.whole("residual");
  }
  if (recipe.read) out.retriever = recipe.read->method->make(recipe.read->arguments);
  return out;
}

std::vector<LayerGroup> Store::groups(std::span<const uint32_t> layers) const {
  std::vector<LayerGroup> out;
  if (!codec) return out;
  const auto rest = layers.subspan(codec->first_layer(layers.size()));
  const size_t each = codec->group();
  for (size_t at = 0; at + each <= rest.size(); at += each)
    out.emplace_back(rest.begin() + static_cast<ptrdiff_t>(at),
                     rest.begin() + static_cast<ptrdiff_t>(at + each));
  return out;
}

// Where layers have unequal rows, what bounds each of them is added up over all: the most pages of
// rows, or of what is raw with one begun block held back by a fork; and of encoded pages, with an
// extent that is begun in each layer.
uint64_t Store::bytes_max(const LayerRows& rows, const LayerRows& kept, uint64_t layers,
                          size_t pool_page_bytes) const {
  if (codec->group() > 1)
    return kept.most > 0 ? edited_bytes_max(rows, kept, layers, pool_page_bytes)
                         : grouped_bytes_max(rows.most, layers, pool_page_bytes);
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
  return pages * pool_page_bytes + encoded_bytes(rows, pool_page_bytes);
}

uint64_t Store::encoded_bytes(uint64_t rows, size_t pool_page_bytes) const {
  const auto encoded = settled(static_cast<int32_t>(std::min<uint64_t>(rows, INT32_MAX)));
  return PackedPages::bytes(static_cast<uint64_t>(encoded) / kPageSlots, codec->page_bytes(),
                            pool_page_bytes);
}

// A layer takes what it would alone, but for the encoded pages, which its group has once.
uint64_t Store::grouped_bytes_max(uint64_t rows, uint64_t layers, size_t pool_page_bytes) const {
  const uint64_t groups = group_count(layers), alone = layers - groups * codec->group();
  const uint64_t encoded = encoded_bytes(rows, pool_page_bytes);
  const uint64_t one = layer_bytes_max(rows, 0, pool_page_bytes);
  return alone * ceil_div<uint64_t>(rows, kPageSlots) * pool_page_bytes +
         groups * (codec->group() * (one - encoded) + encoded);
}

// After an edit the layers of a group may hold other rows, which are encoded no more, while one of
// them still reads a page of them all: every row is raw but for those of a layer in each encoded
// page, and those that an edit left while they are encoded. Beside that a group has begun an
// extent, and a fork may hold the rest of each layer's block back.
uint64_t Store::edited_bytes_max(const LayerRows& rows, const LayerRows& kept, uint64_t layers,
                                 size_t pool_page_bytes) const {
  const uint64_t groups = group_count(layers);
  const uint64_t pages = std::min(rows.most * groups, rows.mean * layers) / kPageSlots;
  const uint64_t encoded = PackedPages::bytes(pages, codec->page_bytes(), pool_page_bytes);
  const uint64_t raw = pages * pool_page_bytes, more = encoded > raw ? encoded - raw : 0;
  const uint64_t beside = LayerRows(kept.most).pages(1) + 1 + groups +
                          groups * codec->group() * (kBlockSlots / kPageSlots - 1);
  return (rows.pages(layers) + beside) * pool_page_bytes + more;
}

}  // namespace weir
