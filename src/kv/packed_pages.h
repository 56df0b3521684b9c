// Encoded pages of the layers of a group, which take less than the pool's pages of the same rows:
// as many of them side by side in an extent as fit. What they leave of it is not committed.
//
//   extent:   | pool page      | pool page      | pool page      | pool page      |
//   pages:    |  0    |  1    |  2    |  3    |  4    |  5    |  6    |
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kv/codec.h"
#include "kv/page_pool.h"

namespace weir {

// A copy shares the extents, until either adds a page.
class PackedPages {
 public:
  PackedPages(PagePool& pool, std::shared_ptr<const Codec> codec);

  const Codec& codec() const { return *codec_; }
  int32_t count() const { return count_; }
  const std::byte* page(int32_t i) const;
  // Where page i lies: an extent, and bytes from its beginning.
  const ExtentRef& extent(int32_t i) const { return extents_[static_cast<size_t>(i) / each_]; }
  size_t offset(int32_t i) const { return static_cast<size_t>(i) % each_ * bytes_; }
  // The first page that may have moved when those from `i` on were added.
  int32_t moved_from(int32_t i) const { return i - i % static_cast<int32_t>(each_); }

  // One more at the end, of zeros.
  std::byte* add();
  // Held memory, shared extents included.
  uint64_t bytes() const;
  // The most that so many pages take of a pool with such pages.
  static uint64_t bytes(uint64_t count, size_t page_bytes, size_t pool_page_bytes);

 private:
  void make_room(ExtentRef& extent, size_t pages) const;

  PagePool* pool_;
  std::shared_ptr<const Codec> codec_;
  size_t bytes_, each_;  // Of a page; pages to an extent.
  std::vector<ExtentRef> extents_;
  int32_t count_ = 0;
};

}  // namespace weir
