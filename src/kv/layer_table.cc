#include "kv/layer_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/number.h"
#include "kernels/elementwise.h"

namespace weir {
namespace {

constexpr int kPagesPerBlock = kBlockSlots / kPageSlots;

// The slots of the pages that so many rows take.
size_t whole_pages(int32_t rows) {
  return ceil_div<size_t>(static_cast<size_t>(rows), kPageSlots) * kPageSlots;
}

// The positions as they are kept: an unbroken run is its first.
Positions packed(std::vector<int32_t> each) {
  Positions out;
  if (each.empty()) return out;
  out.first = each[0];
  const auto breaks = [](int32_t a, int32_t b) { return b != a + 1; };
  if (std::ranges::adjacent_find(each, breaks) != each.end()) out.each = std::move(each);
  return out;
}

}  // namespace

LayerTable::LayerTable(const CacheShape& shape, PagePool& pool)
    : shape_(&shape), pool_(&pool), pages_(shape.kv_heads), sink_pages_(shape.kv_heads) {}

void LayerTable::Kept::count_bytes() {
  uint64_t bytes = 0;
  for (const Positions& p : positions) bytes += p.each.size() * sizeof(int32_t);
  for (const auto* biases : {&bias, &without_sinks})
    for (const auto& b : *biases) bytes += b.size() * sizeof(float);
  used.set(bytes);
}

int32_t LayerTable::position(uint32_t head, int32_t slot) const {
  if (!kept_ || slot >= kept_->count) return slot + shift_;
  return kept_->positions[head].at(static_cast<uint32_t>(slot));
}

float LayerTable::bias(uint32_t head, int32_t slot) const {
  if (!kept_ || slot >= kept_->count || kept_->bias[head].empty()) return 0;
  return kept_->bias[head][static_cast<size_t>(slot)];
}

float LayerTable::weight(uint32_t head, int32_t slot) const {
  return static_cast<float>(exact_exp(bias(head, slot)));
}

// Kernels read pages through these descriptors, which change only when a page comes or goes.
void LayerTable::point_at(size_t index) {
  const PageAt at = page_at(static_cast<int32_t>(index * kPageSlots));
  for (uint32_t h = 0; h < shape_->kv_heads; ++h) {
    if (pages_[h].size() <= index) pages_[h].resize(index + 1);
    AttentionPage& to = pages_[h][index];
    to = at.codec->in_place(at.bytes(), at.list + h);
    if (kept_ && index * kPageSlots < kept_->bias[h].size())
      to.bias = &kept_->bias[h][index * kPageSlots];
    if (static_cast<int32_t>(index * kPageSlots) >= sinks()) continue;
    if (sink_pages_[h].size() <= index) sink_pages_[h].resize(index + 1);
    sink_pages_[h][index] = to;
    to.bias = &kept_->without_sinks[h][index * kPageSlots];
  }
}

void LayerTable::own_block(size_t block) {
  ExtentRef& extent = extents_[block];
  if (!extent || !extent.shared()) return;
  ExtentRef mine = ExtentRef::take(*pool_);
  mine.drop(std::max(extent.first(), sealed_pages_of(block)));
  for (int p = mine.first(); p < extent.committed(); ++p) {
    mine.commit(p);
    std::memcpy(mine.page(p), extent.page(p), pool_->page_bytes());
  }
  extent = std::move(mine);
  for (int p = extent.first(); p < extent.committed(); ++p)
    point_at(block * kPagesPerBlock + static_cast<size_t>(p));
}

// Of the block's pages, the first that are encoded.
int LayerTable::sealed_pages_of(size_t block) const {
  return std::clamp(sealed() / kPageSlots - static_cast<int>(block) * kPagesPerBlock, 0,
                    kPagesPerBlock);
}

void LayerTable::extend(int32_t to) {
  if (const size_t b = static_cast<size_t>(room_ / kBlockSlots); b < extents_.size()) own_block(b);
  for (; room_ < to; room_ = std::min((room_ / kPageSlots + 1) * kPageSlots, to)) {
    const size_t b = static_cast<size_t>(room_ / kBlockSlots);
    const int p = room_ % kBlockSlots / kPageSlots;
    if (b == extents_.size()) extents_.emplace_back();
    if (!extents_[b]) {
      extents_[b] = ExtentRef::take(*pool_);
      extents_[b].drop(p);
    }
    if (extents_[b].committed() > p) continue;
    extents_[b].commit(p);
    point_at(b * kPagesPerBlock + static_cast<size_t>(p));
  }
}

LayerTable::PageAt LayerTable::page_at(int32_t slot) const {
  if (slot < sealed()) {
    const int32_t page = slot / kPageSlots;
    return {&packed_->codec(), &packed_->extent(page), packed_->offset(page),
            member_ * shape_->kv_heads};
  }
  const auto page = static_cast<size_t>(slot % kBlockSlots / kPageSlots);
  return {shape_->codec.get(), &extents_[static_cast<size_t>(slot / kBlockSlots)],
          page * pool_->page_bytes(), 0};
}

// Calls f(page, slot in it, rows) for the part of rows [slot, slot + rows) in each page.
template <typename Function>
void LayerTable::for_each_page(int32_t slot, int32_t rows, const Function& f) const {
  for (const int32_t end = slot + rows; slot < end;) {
    const int32_t in_page = slot % kPageSlots, count = std::min(end - slot, kPageSlots - in_page);
    f(page_at(slot), static_cast<uint32_t>(in_page), static_cast<uint32_t>(count));
    slot += count;
  }
}

void LayerTable::write(int32_t slot, const float* k, const float* v, int32_t rows) const {
  const size_t row = size_t{shape_->kv_heads} * shape_->head_dim;
  const auto encode = [&](const PageAt& page, uint32_t first, uint32_t count) {
    page.codec->encode(first, {count, k, v}, page.bytes());
    k += row * count, v += row * count;
  };
  for_each_page(slot, rows, encode);
}

void LayerTable::read(uint32_t head, int32_t slot, int32_t rows, float* k, float* v) const {
  const size_t dim = shape_->head_dim;
  const auto decode = [&](const PageAt& page, uint32_t first, uint32_t count) {
    page.codec->decode(page.bytes(), page.list + head, first, count, k, v);
    k += dim * count, v += dim * count;
  };
  for_each_page(slot, rows, decode);
}

void LayerTable::free_before(size_t block) {
  for (block = std::min(block, extents_.size()); freed_ < block; ++freed_) {
    extents_[freed_] = {};
    for (auto& pages : pages_)
      for (size_t p = freed_ * kPagesPerBlock; p < (freed_ + 1) * kPagesPerBlock; ++p)
        if (p < pages.size()) pages[p] = {};
  }
}

std::vector<EditedRow> LayerTable::edited(uint32_t head, const Edit& edit) const {
  return edited_rows(edit.heads[head], room_, [&](int32_t slot) { return position(head, slot); });
}

// It weighs as all of its sources.
float LayerTable::bias_of(uint32_t head, const EditedRow& row) const {
  if (!row.merged) return bias(head, row.sources[0]);
  double weight = 0;
  for (const int32_t slot : row.sources) weight += exact_exp(bias(head, slot));
  return static_cast<float>(exact_log(weight));
}

void LayerTable::read_row(uint32_t head, const EditedRow& row, float* k, float* v) const {
  if (!row.merged) return read(head, row.sources[0], 1, k, v);
  const size_t dim = shape_->head_dim;
  std::vector<float> key(dim), value(dim);
  std::fill_n(k, dim, 0.0f), std::fill_n(v, dim, 0.0f);
  for (size_t i = 0; i < row.sources.size(); ++i) {
    read(head, row.sources[i], 1, key.data(), value.data());
    for (size_t d = 0; d < dim; ++d)
      k[d] += row.merged->k[i] * key[d], v[d] += row.merged->v[i] * value[d];
  }
}

// An open page's codec gives back what the page holds and rounds that to itself: what stays keeps
// its bits.
void LayerTable::fill(const std::vector<std::vector<EditedRow>>& rows, const LayerTable& from) {
  const size_t dim = shape_->head_dim, heads = shape_->kv_heads;
  std::vector<float> k(heads * dim), v(heads * dim);
  for (int32_t slot = 0; slot < room_; ++slot) {
    for (uint32_t h = 0; h < heads; ++h)
      from.read_row(h, rows[h][static_cast<size_t>(slot)], &k[h * dim], &v[h * dim]);
    write(slot, k.data(), v.data(), 1);
  }
}

void LayerTable::note_bias(Kept& kept, uint32_t head, int32_t slot, float bias) const {
  if (bias == 0) return;
  if (kept.bias[head].empty()) kept.bias[head].resize(whole_pages(kept.count));
  kept.bias[head][static_cast<size_t>(slot)] = bias;
}

void LayerTable::hide_sinks(Kept& kept, int32_t sinks) const {
  kept.sinks = sinks;
  if (sinks == 0) return;
  for (std::vector<float> bias : kept.bias) {
    bias.resize(whole_pages(sinks));
    std::fill_n(bias.begin(), sinks, kDropped);
    kept.without_sinks.push_back(std::move(bias));
  }
}

void LayerTable::apply(const Edit& edit) {
  WEIR_CHECK(edit.heads.size() == shape_->kv_heads, "{} heads of {}", edit.heads.size(),
             shape_->kv_heads);
  WEIR_CHECK(freed_ == 0, "{} blocks were let go of", freed_);
  std::vector<std::vector<EditedRow>> rows;
  for (uint32_t h = 0; h < shape_->kv_heads; ++h) {
    rows.push_back(edited(h, edit));
    WEIR_CHECK(rows[h].size() == rows[0].size(), "{} rows in head {}, {} in head 0", rows[h].size(),
               h, rows[0].size());
  }
  const auto count = static_cast<int32_t>(rows[0].size());
  auto kept = std::make_shared<Kept>(*pool_, count, shape_->kv_heads);
  for (uint32_t h = 0; h < shape_->kv_heads; ++h) {
    std::vector<int32_t> positions;
    for (const EditedRow& row : rows[h]) {
      note_bias(*kept, h, static_cast<int32_t>(positions.size()), bias_of(h, row));
      positions.push_back(row.position);
    }
    kept->positions[h] = packed(std::move(positions));
  }
  WEIR_CHECK(edit.sinks >= 0 && edit.sinks <= count, "{} sinks of {} rows", edit.sinks, count);
  hide_sinks(*kept, edit.sinks);
  kept->count_bytes();
  LayerTable next(*shape_, *pool_);
  next.kept_ = std::move(kept);
  next.shift_ = end() - count;
  next.extend(count);
  next.fill(rows, *this);
  *this = std::move(next);
}

LayerLists LayerTable::lists(uint32_t layer, std::span<const PageKey> keys) const {
  LayerLists out{layer, {}, std::vector<List>(shape_->kv_heads)};
  const auto add = [&](uint32_t head, uint32_t begin, uint32_t end, bool sunk) {
    if (begin >= end) return;
    Slice slice;
    slice.page = static_cast<uint32_t>(out.pages.size() - 1);
    slice.begin = begin, slice.end = end;
    if (sunk) slice.reading = Reading::kShifted, slice.shift = shift_;
    out.lists[head].slices.push_back(slice);
  };
  const int32_t kept = this->kept();
  for (int32_t at = 0; at < room_; at += kPageSlots) {
    const size_t block = static_cast<size_t>(at / kBlockSlots);
    Page page;
    const PageAt here = page_at(at);
    page.extent = *here.extent, page.offset = here.offset;
    page.rows = static_cast<uint32_t>(std::min(kPageSlots, room_ - at));
    page.heads = shape_->kv_heads;
    page.first = {layer, 0}, page.first_list = here.list;
    page.codec = here.codec;
    page.positions.first = at + shift_;
    if (!kept_ && !packed_ && block < keys.size()) page.key = keys[block];
    // Rows that an edit left stand elsewhere in each head: a record of the page for each.
    for (uint32_t h = 0; at < kept && h < shape_->kv_heads; ++h) {
      Page mine = page;
      mine.rows = std::min(page.rows, static_cast<uint32_t>(kept - at));
      for (uint32_t r = 0; r < mine.rows; ++r) {
        mine.positions.each.push_back(position(h, at + static_cast<int32_t>(r)));
        mine.bias.push_back(bias(h, at + static_cast<int32_t>(r)));
      }
      const uint32_t end = mine.rows,
                     sunk = std::min(end, static_cast<uint32_t>(std::max(0, sinks() - at)));
      out.pages.push_back(std::move(mine));
      add(h, 0, sunk, true);
      add(h, sunk, end, false);
    }
    if (at + static_cast<int32_t>(page.rows) <= kept) continue;
    const uint32_t end = page.rows;
    out.pages.push_back(std::move(page));
    for (uint32_t h = 0; h < shape_->kv_heads; ++h)
      add(h, static_cast<uint32_t>(std::max(0, kept - at)), end, false);
  }
  return out;
}

uint64_t LayerTable::bytes_read(int32_t slots) const {
  const auto encoded = static_cast<uint64_t>(std::min(slots, sealed()));
  const uint64_t raw = static_cast<uint64_t>(slots) - encoded;
  const uint64_t of_encoded = packed_ ? encoded * packed_->codec().layer_bytes() : 0;
  return (of_encoded + raw * shape_->codec->page_bytes()) / kPageSlots;
}

uint64_t LayerTable::bytes() const {
  uint64_t bytes = kept_ ? kept_->used.bytes() : 0;
  for (const ExtentRef& e : extents_)
    if (e) bytes += e.bytes();
  return bytes;
}

}  // namespace weir
