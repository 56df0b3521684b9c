// What a retriever keeps of the full pages of one layer: a summary of each page of 64 slots, for
// each KV head, of the rows as attention reads them.
//
//   slots:      0          64         128        192
//   pages:      | summary  | summary  | summary  | the tail: no summary, always read
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kv/layer_table.h"
#include "kv/page_pool.h"
#include "kv/retriever.h"

namespace weir {

// A retriever's summary of the slots [slot, slot + count) of one KV head.
void summarise_slots(const Retriever& retriever, const LayerTable& table, uint32_t head,
                     int32_t slot, int32_t count, uint32_t head_dim, float* to);

// A copy shares the summaries. Their bytes count as used, once for all copies.
class PageIndex {
 public:
  // `shape` and `pool` outlive it.
  PageIndex(const CacheShape& shape, PagePool& pool, std::shared_ptr<const Retriever> retriever);

  int32_t pages() const { return static_cast<int32_t>(pages_.size()); }
  const float* summary(int32_t page, uint32_t head) const {
    return &pages_[static_cast<size_t>(page)]->floats[head * floats_];
  }
  // Makes the summaries that are missing of the table's first so many pages.
  void extend(const LayerTable& table, int32_t pages);
  // The pages from this one on are other rows now, or other bytes.
  void forget_from(int32_t page);
  uint64_t bytes() const { return pages_.size() * page_bytes(*shape_, *retriever_); }
  // What one page of a layer takes.
  static uint64_t page_bytes(const CacheShape& shape, const Retriever& retriever);

 private:
  struct Page {
    Page(PagePool& pool, size_t count) : used(pool, count * sizeof(float)), floats(count) {}
    UsedBytes used;
    std::vector<float> floats;  // [kv_heads][floats of a summary]
  };

  const CacheShape* shape_;
  PagePool* pool_;
  std::shared_ptr<const Retriever> retriever_;
  size_t floats_;
  std::vector<std::shared_ptr<const Page>> pages_;
};

}  // namespace weir
