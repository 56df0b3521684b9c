// Memory for keys and values, under a hard budget in bytes. Address space is reserved once;
// physical memory comes when a page is committed and goes back to the system when its extent is
// freed.
//
//   pool:    | extent | extent | extent | ...        address space, taken and given back whole
//   extent:  | page 0 | page 1 | page 2 | page 3 |   256 tokens of one layer; committed page by
//   page page:    | head 0: K, V | head 1: K, V | ...     64 tokens of all KV heads of that layer
//
// Two numbers are kept apart. `promised` bytes are what sequences may come to use: they are checked
// against the budget before anything is allocated. `used` bytes are committed memory. Used never
// exceeds promised, promised never exceeds the budget.
//
// Used bytes are pages, and what else is held for the rows in them (UsedBytes).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/layout.h"
#include "weir/status.h"

namespace weir {

// Owned by the engine's thread, but for used(), promised() and take_most_used(), which are
// anyone's.
class PagePool {
 public:
  static constexpr int kPagesPerExtent = kBlockSlots / kPageSlots;
  static constexpr size_t kSystemPage = 4096;  // Memory comes and goes in these.
  // `page_bytes` for 64 tokens of all heads of one layer, rounded up to the system's pages.
  static Result<PagePool> create(size_t page_bytes, uint64_t budget_bytes);
  PagePool(PagePool&& other) noexcept;
  PagePool& operator=(PagePool&&) = delete;
  ~PagePool();

  // Adds to what is promised, or kUnavailable where that would exceed the budget.
  Status promise(uint64_t bytes);
  void unpromise(uint64_t bytes);

  // An extent of zeros none of whose pages is committed yet. There are as many extents as the
  // budget has pages, so that one is always to be had for a promised page.
  uint32_t take();
  void commit(uint32_t extent, int page) { commit(extent, page, page_bytes_); }
  // Only its first so many bytes, rounded up to the system's pages: then it is the extent's last.
  void commit(uint32_t extent, int page, size_t bytes);
  // Gives back the extent's pages before this one, committed or not: the next to commit is this one
  // or later. REQUIRES one owner.
  void drop(uint32_t extent, int page);
  // Counts memory that lies elsewhere and belongs to keys and values: positions, biases, notes.
  void use(uint64_t bytes);
  void give_back(uint64_t bytes) { used_ -= bytes; }
  // Where page `page` of the extent begins.
  std::byte* page(uint32_t extent, int page) const;

  // Extents are shared by forks; the last owner frees.
  void share(uint32_t extent) { ++extents_[extent].owners; }
  void release(uint32_t extent);
  bool shared(uint32_t extent) const { return extents_[extent].owners > 1; }
  // Pages [first_page, committed_pages) are committed.
  int first_page(uint32_t extent) const { return extents_[extent].first; }
  int committed_pages(uint32_t extent) const { return extents_[extent].committed; }
  uint64_t committed_bytes(uint32_t extent) const {
    const Extent& e = extents_[extent];
    return static_cast<uint64_t>(e.committed - e.first) * page_bytes_ - e.spared;
  }

  size_t page_bytes() const { return page_bytes_; }
  uint64_t budget() const { return budget_; }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  uint64_t promised() const { return promised_.load(std::memory_order_relaxed); }
  // The most that was used since this was last asked.
  uint64_t take_most_used();

 private:
  struct Extent {
    uint32_t owners = 0;
    int first = 0, committed = 0;  // Pages [first, committed),
    size_t spared = 0;             // but for so many bytes at the end.
  };
  PagePool(std::byte* base, size_t page_bytes, uint64_t budget, uint32_t extents);
  void give_back_pages(uint32_t extent, int end);
  void raise_most_used();

  std::byte* base_;
  size_t page_bytes_;
  uint64_t budget_;
  std::atomic<uint64_t> used_{0}, promised_{0}, most_used_{0};
  std::vector<Extent> extents_;
  std::vector<uint32_t> free_;
};

// A counted hold on an extent; empty where the extent was freed for being out of reach.
class ExtentRef {
 public:
  ExtentRef() = default;
  static ExtentRef take(PagePool& pool) { return ExtentRef(pool, pool.take()); }
  ExtentRef(const ExtentRef& other) : pool_(other.pool_), extent_(other.extent_) {
    if (pool_) pool_->share(extent_);
  }
  ExtentRef(ExtentRef&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), extent_(other.extent_) {}
  ExtentRef& operator=(ExtentRef other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(extent_, other.extent_);
    return *this;
  }
  ~ExtentRef() {
    if (pool_) pool_->release(extent_);
  }

  explicit operator bool() const { return pool_ != nullptr; }
  uint32_t id() const { return extent_; }
  bool shared() const { return pool_->shared(extent_); }
  int first() const { return pool_->first_page(extent_); }
  int committed() const { return pool_->committed_pages(extent_); }
  uint64_t bytes() const { return pool_->committed_bytes(extent_); }
  std::byte* page(int i) const { return pool_->page(extent_, i); }
  void commit(int i) { pool_->commit(extent_, i); }
  void commit(int i, size_t bytes) { pool_->commit(extent_, i, bytes); }
  void drop(int i) { pool_->drop(extent_, i); }

 private:
  ExtentRef(PagePool& pool, uint32_t extent) : pool_(&pool), extent_(extent) {}
  PagePool* pool_ = nullptr;
  uint32_t extent_ = 0;
};

// What is promised to one owner, and ends with it.
class PromisedBytes {
 public:
  explicit PromisedBytes(PagePool& pool) : pool_(&pool) {}
  PromisedBytes(PromisedBytes&& other) noexcept
      : pool_(other.pool_), bytes_(std::exchange(other.bytes_, 0)) {}
  PromisedBytes& operator=(PromisedBytes&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~PromisedBytes() { pool_->unpromise(bytes_); }

  uint64_t bytes() const { return bytes_; }
  // kUnavailable, with nothing changed, where more would be promised than the budget has.
  Status set(uint64_t bytes) {
    if (bytes > bytes_) WEIR_TRY(pool_->promise(bytes - bytes_));
    if (bytes < bytes_) pool_->unpromise(bytes_ - bytes);
    bytes_ = bytes;
    return {};
  }

 private:
  PagePool* pool_;
  uint64_t bytes_ = 0;
};

// Memory beside the pages that counts as used, for as long as this lives. A copy counts again.
class UsedBytes {
 public:
  UsedBytes(PagePool& pool, uint64_t bytes) : pool_(&pool), bytes_(bytes) {
    if (bytes > 0) pool.use(bytes);
  }
  UsedBytes(const UsedBytes& other) : UsedBytes(*other.pool_, other.bytes_) {}
  UsedBytes& operator=(UsedBytes other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~UsedBytes() { pool_->give_back(bytes_); }

  uint64_t bytes() const { return bytes_; }
  void set(uint64_t bytes) {
    if (bytes > bytes_) pool_->use(bytes - bytes_);
    if (bytes < bytes_) pool_->give_back(bytes_ - bytes);
    bytes_ = bytes;
  }

 private:
  PagePool* pool_;
  uint64_t bytes_;
};

}  // namespace weir
