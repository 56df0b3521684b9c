#include "kv/cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/number.h"

namespace weir {
namespace {

constexpr int kPagesPerBlock = kBlockSlots / kPageSlots;

// The first block that a query at `next` or later may still read, where everything before is not.
size_t first_needed_block(const Reach& reach, int32_t next) {
  if (reach.kind != Reach::Kind::kWindow && reach.kind != Reach::Kind::kOwnBlock) return 0;
  const int32_t oldest = reach.kind == Reach::Kind::kWindow ? std::max(0, next - reach.window + 1)
                                                            : next / reach.window * reach.window;
  return static_cast<size_t>(oldest / kBlockSlots);
}

}  // namespace

uint64_t CacheShape::peak_bytes(uint64_t tokens, size_t page_bytes_of_pool) const {
  uint64_t pages = 0;
  for (const Reach& r : reach) {
    uint64_t held = tokens;
    if (r.kind == Reach::Kind::kWindow || r.kind == Reach::Kind::kOwnBlock)
      held = std::min<uint64_t>(
          held, static_cast<uint64_t>(r.window) + step_tokens_max + 2 * kBlockSlots);
    pages += ceil_div<uint64_t>(held, kPageSlots);
  }
  return pages * page_bytes_of_pool;
}

Cache::Cache(const CacheShape& shape, PagePool& pool, const PageKey& root)
    : shape_(&shape),
      pool_(&pool),
      pages_(size_t{shape.layers} * shape.kv_heads),
      freed_(shape.layers),
      last_key_(root) {
  WEIR_CHECK(shape.codec && shape.codec->granule() == 1, "no codec for open pages");
}

Cache::Cache(Cache&& other) noexcept
    : shape_(other.shape_),
      pool_(std::exchange(other.pool_, nullptr)),
      blocks_(std::move(other.blocks_)),
      pages_(std::move(other.pages_)),
      freed_(std::move(other.freed_)),
      open_inputs_(std::move(other.open_inputs_)),
      keys_(std::move(other.keys_)),
      last_key_(other.last_key_),
      length_(other.length_),
      extended_(other.extended_),
      promised_tokens_(other.promised_tokens_),
      promised_bytes_(std::exchange(other.promised_bytes_, 0)) {}

Cache& Cache::operator=(Cache&& other) noexcept {
  Cache old(std::move(other));
  std::swap(shape_, old.shape_);
  std::swap(pool_, old.pool_);
  std::swap(blocks_, old.blocks_);
  std::swap(pages_, old.pages_);
  std::swap(freed_, old.freed_);
  std::swap(open_inputs_, old.open_inputs_);
  std::swap(keys_, old.keys_);
  std::swap(last_key_, old.last_key_);
  std::swap(length_, old.length_);
  std::swap(extended_, old.extended_);
  std::swap(promised_tokens_, old.promised_tokens_);
  std::swap(promised_bytes_, old.promised_bytes_);
  return *this;
}

Cache::~Cache() {
  blocks_.clear();  // Used bytes fall before the promise that covers them.
  if (pool_) pool_->unpromise(promised_bytes_);
}

Result<Cache> Cache::fork() const {
  Cache copy(*shape_, *pool_, last_key_);
  WEIR_TRY(copy.promise(std::max<uint64_t>(promised_tokens_, static_cast<uint64_t>(length_))));
  copy.blocks_ = blocks_;
  copy.pages_ = pages_;
  copy.freed_ = freed_;
  copy.open_inputs_ = open_inputs_;
  copy.keys_ = keys_;
  copy.length_ = length_;
  copy.extended_ = extended_;
  return copy;
}

uint64_t Cache::promise_bytes(uint64_t tokens) const {
  if (tokens <= promised_tokens_) return 0;
  return shape_->peak_bytes(tokens, pool_->page_bytes()) - promised_bytes_;
}

Status Cache::promise(uint64_t tokens) {
  const uint64_t more = promise_bytes(tokens);
  WEIR_TRY(pool_->promise(more));
  promised_tokens_ = std::max(promised_tokens_, tokens);
  promised_bytes_ += more;
  return {};
}

// Kernels read pages through these descriptors, which change only when a page comes or goes.
void Cache::point_at(uint32_t layer, size_t block, int page) {
  const std::byte* at = blocks_[block].by_layer[layer].page(page);
  for (uint32_t h = 0; h < shape_->kv_heads; ++h) {
    auto& pages = pages_[size_t{layer} * shape_->kv_heads + h];
    const size_t index = block * kPagesPerBlock + static_cast<size_t>(page);
    if (pages.size() <= index) pages.resize(index + 1);
    pages[index] = shape_->codec->in_place(at, h);
  }
}

// The open block's extents become this sequence's own before it writes into them.
void Cache::own_open_block() {
  const size_t b = static_cast<size_t>(length_ / kBlockSlots);
  if (b >= blocks_.size()) return;
  for (uint32_t l = 0; l < shape_->layers; ++l) {
    ExtentRef& extent = blocks_[b].by_layer[l];
    if (!extent || !extent.shared()) continue;
    ExtentRef mine = ExtentRef::take(*pool_);
    for (int p = 0; p < extent.committed(); ++p) {
      mine.commit(p);
      std::memcpy(mine.page(p), extent.page(p), pool_->page_bytes());
    }
    extent = std::move(mine);
    for (int p = 0; p < extent.committed(); ++p) point_at(l, b, p);
  }
}

void Cache::extend(int32_t rows) {
  const int32_t to = length_ + rows;
  WEIR_CHECK(static_cast<uint64_t>(to) <= promised_tokens_, "{} rows promised {}", to,
             promised_tokens_);
  own_open_block();
  for (; extended_ < to; extended_ = std::min((extended_ / kPageSlots + 1) * kPageSlots, to)) {
    const size_t b = static_cast<size_t>(extended_ / kBlockSlots);
    const int p = extended_ % kBlockSlots / kPageSlots;
    if (b == blocks_.size()) blocks_.push_back({std::vector<ExtentRef>(shape_->layers)});
    for (uint32_t l = 0; l < shape_->layers; ++l) {
      ExtentRef& extent = blocks_[b].by_layer[l];
      if (!extent) extent = ExtentRef::take(*pool_);
      if (extent.committed() > p) continue;
      extent.commit(p);
      point_at(l, b, p);
    }
  }
}

void Cache::write(uint32_t layer, int32_t position, const float* k, const float* v, int32_t rows) {
  const size_t row = size_t{shape_->kv_heads} * shape_->head_dim;
  while (rows > 0) {
    const ExtentRef& extent = blocks_[static_cast<size_t>(position / kBlockSlots)].by_layer[layer];
    const int32_t slot = position % kPageSlots, count = std::min(rows, kPageSlots - slot);
    shape_->codec->encode(static_cast<uint32_t>(slot), {static_cast<uint32_t>(count), k, v},
                          extent.page(position % kBlockSlots / kPageSlots));
    position += count, rows -= count;
    k += row * static_cast<size_t>(count), v += row * static_cast<size_t>(count);
  }
}

void Cache::advance(std::span<const int32_t> inputs) {
  length_ += static_cast<int32_t>(inputs.size());
  WEIR_CHECK(length_ <= extended_, "{} rows of {}", length_, extended_);
  open_inputs_.insert(open_inputs_.end(), inputs.begin(), inputs.end());
  while (open_inputs_.size() >= kBlockSlots) {
    last_key_ = next_key(last_key_, std::as_bytes(std::span(open_inputs_).first(kBlockSlots)), "");
    keys_.push_back(last_key_);
    open_inputs_.erase(open_inputs_.begin(), open_inputs_.begin() + kBlockSlots);
  }
  free_out_of_reach();
}

void Cache::free_out_of_reach() {
  for (uint32_t l = 0; l < shape_->layers; ++l) {
    const size_t needed = std::min(first_needed_block(shape_->reach[l], length_), blocks_.size());
    for (; freed_[l] < needed; ++freed_[l]) {
      blocks_[freed_[l]].by_layer[l] = {};
      for (uint32_t h = 0; h < shape_->kv_heads; ++h)
        for (size_t p = 0; p < kPagesPerBlock; ++p) {
          auto& pages = pages_[size_t{l} * shape_->kv_heads + h];
          const size_t index = freed_[l] * kPagesPerBlock + p;
          if (index < pages.size()) pages[index] = {};
        }
    }
  }
}

void Cache::lists(uint32_t layer, int32_t position, std::span<AttentionList> out) const {
  for (uint32_t h = 0; h < shape_->kv_heads; ++h)
    out[h] = {pages_[size_t{layer} * shape_->kv_heads + h], position, -1};
}

LayerLists Cache::layer_lists(uint32_t layer) const {
  LayerLists out{layer, {}, std::vector<List>(shape_->kv_heads)};
  for (int32_t at = 0; at < extended_; at += kPageSlots) {
    const size_t block = static_cast<size_t>(at / kBlockSlots);
    Page page;
    page.extent = blocks_[block].by_layer[layer];
    page.page = at % kBlockSlots / kPageSlots;
    page.rows = static_cast<uint32_t>(std::min(kPageSlots, extended_ - at));
    page.heads = shape_->kv_heads;
    page.first = {layer, 0};
    page.codec = shape_->codec.get();
    page.positions.first = at;
    if (block < keys_.size()) page.key = keys_[block];
    Slice whole;
    whole.page = static_cast<uint32_t>(out.pages.size()), whole.end = page.rows;
    for (List& list : out.lists) list.slices.push_back(whole);
    out.pages.push_back(std::move(page));
  }
  return out;
}

uint64_t Cache::bytes() const {
  uint64_t bytes = 0;
  for (const Block& b : blocks_)
    for (const ExtentRef& e : b.by_layer)
      if (e) bytes += e.bytes();
  return bytes;
}

}  // namespace weir
