#include "kv/page_index.h"

#include <algorithm>
#include <utility>

namespace weir {

void summarise_slots(const Retriever& retriever, const LayerTable& table, uint32_t head,
                     int32_t slot, int32_t count, uint32_t head_dim, float* to) {
  const auto rows = static_cast<size_t>(count);
  std::vector<float> k(rows * head_dim), v(k.size()), bias(rows);
  table.read(head, slot, count, k.data(), v.data());
  float factor_limit = 0;
  for (size_t r = 0; r < rows; ++r) {
    const size_t at = static_cast<size_t>(slot) + r;
    const AttentionPage& page = table.pages(head)[at / kPageSlots];
    if (page.bias) bias[r] = page.bias[at % kPageSlots];
    if (page.grid.bits) factor_limit = grid_factor_limit(page.grid.bits);
  }
  retriever.summarise(
      {static_cast<uint32_t>(count), head_dim, k.data(), v.data(), bias.data(), factor_limit}, to);
}

PageIndex::PageIndex(const CacheShape& shape, PagePool& pool,
                     std::shared_ptr<const Retriever> retriever)
    : shape_(&shape),
      pool_(&pool),
      retriever_(std::move(retriever)),
      floats_(retriever_->summary_floats(shape.head_dim)) {}

uint64_t PageIndex::page_bytes(const CacheShape& shape, const Retriever& retriever) {
  return shape.kv_heads * retriever.summary_floats(shape.head_dim) * sizeof(float);
}

void PageIndex::extend(const LayerTable& table, int32_t pages) {
  for (int32_t page = this->pages(); page < pages; ++page) {
    const auto made = std::make_shared<Page>(*pool_, shape_->kv_heads * floats_);
    for (uint32_t h = 0; h < shape_->kv_heads; ++h)
      summarise_slots(*retriever_, table, h, page * kPageSlots, kPageSlots, shape_->head_dim,
                      &made->floats[h * floats_]);
    pages_.push_back(made);
  }
}

void PageIndex::forget_from(int32_t page) {
  pages_.resize(std::min(pages_.size(), static_cast<size_t>(page)));
}

}  // namespace weir
