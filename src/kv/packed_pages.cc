#include "kv/packed_pages.h"

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
    for (int p = 0; p < extents_.back().committed(); ++p) mine.commit(p);
    std::memcpy(mine.page(0), extents_.back().page(0), in_extent * bytes_);
    extents_.back() = std::move(mine);
  }
  ExtentRef& extent = extents_.back();
  const auto pages = ceil_div((in_extent + 1) * bytes_, pool_->page_bytes());
  while (extent.committed() < static_cast<int>(pages)) extent.commit(extent.committed());
  ++count_;
  return extent.page(0) + in_extent * bytes_;
}

uint64_t PackedPages::bytes() const {
  uint64_t bytes = 0;
  for (const ExtentRef& e : extents_) bytes += e.bytes();
  return bytes;
}

uint64_t PackedPages::bytes(uint64_t count, size_t page_bytes, size_t pool_page_bytes) {
  const uint64_t each = pages_to_an_extent(page_bytes, pool_page_bytes);
  const auto held = [&](uint64_t pages) {
    return ceil_div<uint64_t>(pages * page_bytes, pool_page_bytes) * pool_page_bytes;
  };
  return count / each * held(each) + held(count % each);
}

}  // namespace weir
