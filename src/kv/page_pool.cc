#include "kv/page_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/check.h"
#include "base/number.h"

namespace weir {
namespace {

constexpr uint64_t kExtentsMax = 1 << 26;

}  // namespace

Result<PagePool> PagePool::create(size_t page_bytes, uint64_t budget_bytes) {
  page_bytes = ceil_div(page_bytes, kSystemPage) * kSystemPage;
  const size_t extent_bytes = page_bytes * kPagesPerExtent;
  // A budget's worth of pages may lie one to an extent.
  const uint64_t extents = ceil_div<uint64_t>(budget_bytes, page_bytes) + 1;
  const auto bytes = checked_mul<uint64_t>(extents, extent_bytes);
  if (extents > kExtentsMax || !bytes)
    return fail(Code::kInvalid, fmt::format("a budget of {} bytes is more than can be addressed in "
                                            "pages of {} bytes",
                                            budget_bytes, page_bytes));
  void* at = mmap(nullptr, *bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED)
    return fail(
        Code::kUnavailable,
        fmt::format("the system has no address space for a cache of {} bytes", budget_bytes));
  madvise(at, *bytes, MADV_NOHUGEPAGE);  // A huge page would commit more than is charged.
  return PagePool(static_cast<std::byte*>(at), page_bytes, budget_bytes,
                  static_cast<uint32_t>(extents));
}

PagePool::PagePool(std::byte* base, size_t page_bytes, uint64_t budget, uint32_t extents)
    : base_(base), page_bytes_(page_bytes), budget_(budget), extents_(extents), free_(extents) {
  std::iota(free_.rbegin(), free_.rend(), 0u);
}

PagePool::PagePool(PagePool&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)),
      page_bytes_(other.page_bytes_),
      budget_(other.budget_),
      used_(other.used()),
      promised_(other.promised()),
      most_used_(other.most_used_.load()),
      extents_(std::move(other.extents_)),
      free_(std::move(other.free_)) {}

PagePool::~PagePool() {
  if (base_) munmap(base_, extents_.size() * page_bytes_ * kPagesPerExtent);
}

Status PagePool::promise(uint64_t bytes) {
  const uint64_t now = promised();
  if (bytes > budget_ - now)
    return fail(Code::kUnavailable,
                fmt::format("the KV cache's budget of {} bytes has {} left and {} are needed",
                            budget_, budget_ - now, bytes));
  promised_ = now + bytes;
  return {};
}

void PagePool::unpromise(uint64_t bytes) {
  WEIR_CHECK(bytes <= promised(), "{} of {}", bytes, promised());
  promised_ -= bytes;
}

uint32_t PagePool::take() {
  WEIR_CHECK(!free_.empty(), "{} extents, used {} promised {}", extents_.size(), used(),
             promised());
  const uint32_t extent = free_.back();
  free_.pop_back();
  extents_[extent] = {1, 0, 0, 0};
  return extent;
}

void PagePool::commit(uint32_t extent, int page, size_t bytes) {
  Extent& e = extents_[extent];
  WEIR_CHECK(page == e.committed && page < kPagesPerExtent && e.spared == 0, "page {} of {}", page,
             e.committed);
  bytes = ceil_div(bytes, kSystemPage) * kSystemPage;
  ++e.committed;
  e.spared = page_bytes_ - bytes;
  use(bytes);
}

void PagePool::drop(uint32_t extent, int page) {
  Extent& e = extents_[extent];
  WEIR_CHECK(e.owners == 1 && page < kPagesPerExtent, "extent {}: {} owners", extent, e.owners);
  give_back_pages(extent, std::min(page, e.committed));
  e.first = std::max(e.first, page);
  e.committed = std::max(e.committed, page);
}

// Pages [first, end) of an extent: gives the memory back, and makes it zeros for whoever commits it
// next.
void PagePool::give_back_pages(uint32_t extent, int end) {
  Extent& e = extents_[extent];
  if (end <= e.first) return;
  const size_t bytes = page_bytes_ * static_cast<size_t>(end - e.first);
  madvise(page(extent, e.first), bytes, MADV_DONTNEED);
  used_ -= bytes - (end == e.committed ? std::exchange(e.spared, 0) : 0);
}

void PagePool::use(uint64_t bytes) {
  used_ += bytes;
  WEIR_CHECK(used() <= promised(), "used {} promised {} budget {}", used(), promised(), budget_);
  raise_most_used();
}

void PagePool::raise_most_used() {
  const uint64_t now = used();
  uint64_t most = most_used_.load(std::memory_order_relaxed);
  while (now > most && !most_used_.compare_exchange_weak(most, now)) {
  }
}

// What is used at this moment belongs to both spans, and no rise between the two lines is lost.
uint64_t PagePool::take_most_used() {
  const uint64_t most = most_used_.exchange(0);
  raise_most_used();
  return most;
}

std::byte* PagePool::page(uint32_t extent, int page) const {
  return base_ + (size_t{extent} * kPagesPerExtent + static_cast<size_t>(page)) * page_bytes_;
}

void PagePool::release(uint32_t extent) {
  Extent& e = extents_[extent];
  WEIR_CHECK(e.owners > 0, "extent {}", extent);
  if (--e.owners > 0) return;
  give_back_pages(extent, e.committed);
  free_.push_back(extent);
}

}  // namespace weir
