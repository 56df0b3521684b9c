#include "kv/packed_pages.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/number.h"

namespace weir {
namespace {

size_t pages_to_an_extent(size_t page_bytes, size_t pool_page_bytes) {
  return PagePool::kPagesPerExtent * pool_page_bytes / page_bytes;
}

}  // namespace

PackedPages::PackedPages(PagePool& pool, std::shared_ptr<const Codec> codec)
    : pool_(&pool),
      codec_(std::move(codec)),
      bytes_(codec_->page_bytes()),
      each_(pages_to_an_extent(bytes_, pool.page_bytes())) {}

const std::byte* PackedPages::page(int32_t i) const {
  return extent(i).page(0) + offset(i);
}

std::byte* PackedPages::add() {
  const size_t in_extent = static_cast<size_t>(count_) % each_;
  if (in_extent == 0) {
    extents_.push_back(ExtentRef::take(*pool_));
  } else if (extents_.back().shared()) {
    ExtentRef mine = ExtentRef::take(*pool_);
    make_room(mine, in_extent);
    std::memcpy(mine.page(0), extents_.back().page(0), in_extent * bytes_);
    extents_.back() = std::move(mine);
  }
  ExtentRef& extent = extents_.back();
  make_room(extent, in_extent + 1);
  ++count_;
  return extent.page(0) + in_extent * bytes_;
}

void PackedPages::make_room(ExtentRef& extent, size_t pages) const {
  const size_t of_pool = pool_->page_bytes();
  for (int p = extent.committed(); static_cast<size_t>(p) * of_pool < pages * bytes_; ++p)
    extent.commit(p, std::min(of_pool, each_ * bytes_ - static_cast<size_t>(p) * of_pool));
}

uint64_t PackedPages::bytes() const {
  uint64_t bytes = 0;
  for (const ExtentRef& e : extents_) bytes += e.bytes();
  return bytes;
}

uint64_t PackedPages::bytes(uint64_t count, size_t page_bytes, size_t pool_page_bytes) {
  const uint64_t each = pages_to_an_extent(page_bytes, pool_page_bytes);
  const uint64_t most =
      ceil_div<uint64_t>(each * page_bytes, PagePool::kSystemPage) * PagePool::kSystemPage;
  const auto held = [&](uint64_t pages) {
    return std::min(most,
                    ceil_div<uint64_t>(pages * page_bytes, pool_page_bytes) * pool_page_bytes);
  };
  return count / each * held(each) + held(count % each);
}

}  // namespace weir
