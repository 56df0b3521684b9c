#include "kv/layer_table.h"

#include <algorithm>
#include <cstring>
#include <numeric>
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

// Calls f(slot, rows) for the part of slots [slot, slot + rows) in each page.
template <typename Function>
void for_each_page(int32_t slot, int32_t rows, const Function& f) {
  for (const int32_t end = slot + rows; slot < end;) {
    const int32_t count = std::min(end - slot, kPageSlots - slot % kPageSlots);
    f(slot, static_cast<uint32_t>(count));
    slot += count;
  }
}

uint32_t in_page(int32_t slot) {
  return static_cast<uint32_t>(slot % kPageSlots);
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

int32_t LayerTable::Kept::mean_in_strips() const {
  if (!strips) return 0;
  return static_cast<int32_t>(
      ceil_div(std::accumulate(rows.begin(), rows.end(), size_t{0}), rows.size()));
}

int32_t LayerTable::position(uint32_t head, int32_t slot) const {
  if (slot >= kept(head)) return slot - strip_rows(head) + shift_;
  return kept_->positions[head].at(static_cast<uint32_t>(slot));
}

float LayerTable::bias(uint32_t head, int32_t slot) const {
  if (slot >= kept(head)) return 0;
  const auto at = static_cast<size_t>(slot + padding(head));
  return at < kept_->bias[head].size() ? kept_->bias[head][at] : 0;
}

float LayerTable::weight(uint32_t head, int32_t slot) const {
  return static_cast<float>(exact_exp(bias(head, slot)));
}

// Kernels read pages through these descriptors, which change only when a page comes or goes.
void LayerTable::point(uint32_t head, size_t index, const PageAt& at) {
  if (pages_[head].size() <= index) pages_[head].resize(index + 1);
  AttentionPage& to = pages_[head][index];
  to = at.codec->in_place(at.bytes(), at.list);
  if (kept_ && index * kPageSlots < kept_->bias[head].size())
    to.bias = &kept_->bias[head][index * kPageSlots];
  if (static_cast<int32_t>(index * kPageSlots) >= sinks()) return;
  if (sink_pages_[head].size() <= index) sink_pages_[head].resize(index + 1);
  sink_pages_[head][index] = to;
  to.bias = &kept_->without_sinks[head][index * kPageSlots];
}

void LayerTable::point_at(size_t index) {
  PageAt at = page_at(static_cast<int32_t>(index * kPageSlots));
  for (uint32_t h = 0; h < shape_->kv_heads; ++h, ++at.list)
    point(h, index + static_cast<size_t>(kept_ ? kept_->strip_pages(h) : 0), at);
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

LayerTable::PageAt LayerTable::strip_at(uint32_t head, int32_t page) const {
  const PackedPages& strips = *kept_->strips;
  const int32_t i = kept_->first_strip[head] + page;
  return {&strips.codec(), &strips.extent(i), strips.offset(i), 0};
}

// Where a head's slot lies, its padding counted.
LayerTable::PageAt LayerTable::page_at(uint32_t head, int32_t slot) const {
  const int32_t strips = kept_ ? kept_->strip_pages(head) : 0;
  if (slot < strips * kPageSlots) return strip_at(head, slot / kPageSlots);
  PageAt at = page_at(slot - strips * kPageSlots);
  at.list += head;
  return at;
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

void LayerTable::write(int32_t slot, const float* k, const float* v, int32_t rows) const {
  const size_t row = size_t{shape_->kv_heads} * shape_->head_dim;
  for_each_page(slot, rows, [&](int32_t at, uint32_t count) {
    const PageAt page = page_at(at);
    page.codec->encode(in_page(at), {count, k, v}, page.bytes());
    k += row * count, v += row * count;
  });
}

void LayerTable::read(uint32_t head, int32_t slot, int32_t rows, float* k, float* v) const {
  const size_t dim = shape_->head_dim;
  for_each_page(slot + padding(head), rows, [&](int32_t at, uint32_t count) {
    const PageAt page = page_at(head, at);
    page.codec->decode(page.bytes(), page.list, in_page(at), count, k, v);
    k += dim * count, v += dim * count;
  });
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
  return edited_rows(edit.heads[head], slots(head),
                     [&](int32_t slot) { return position(head, slot); });
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

// Each head's rows come after its padding.
void LayerTable::fill_strips(const std::vector<std::vector<EditedRow>>& rows, Kept& kept) const {
  const size_t dim = shape_->head_dim;
  std::vector<float> k(dim), v(dim);
  for (uint32_t h = 0; h < shape_->kv_heads; ++h) {
    std::byte* page = nullptr;
    const int32_t padding = kept.padding(h);
    for (int32_t slot = 0; slot < kept.strip_pages(h) * kPageSlots; ++slot) {
      if (slot % kPageSlots == 0) page = kept.strips->add();
      if (slot < padding) continue;
      read_row(h, rows[h][static_cast<size_t>(slot - padding)], k.data(), v.data());
      kept.strips->codec().encode(in_page(slot), {1, k.data(), v.data()}, page);
    }
  }
}

void LayerTable::note_bias(Kept& kept, uint32_t head, int32_t slot, float bias) const {
  if (bias == 0) return;
  const int32_t padding = kept.padding(head);
  kept.bias[head].resize(whole_pages(padding + static_cast<int32_t>(kept.rows[head])));
  kept.bias[head][static_cast<size_t>(padding + slot)] = bias;
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

// Strips for so many rows of each head, and padding that weighs nothing.
void LayerTable::lay_out_strips(Kept& kept) const {
  WEIR_CHECK(shape_->strip_codec, "no codec for pages of one head");
  kept.strips = std::make_unique<PackedPages>(*pool_, shape_->strip_codec);
  kept.first_strip = {0};
  for (uint32_t h = 0; h < shape_->kv_heads; ++h) {
    kept.first_strip.push_back(
        kept.first_strip[h] +
        static_cast<int32_t>(whole_pages(static_cast<int32_t>(kept.rows[h])) / kPageSlots));
    const int32_t padding = kept.padding(h);
    if (padding == 0) continue;
    kept.bias[h].resize(kPageSlots);
    std::fill_n(kept.bias[h].begin(), padding, kDropped);
  }
}

std::shared_ptr<LayerTable::Kept> LayerTable::kept_by(
    const Edit& edit, const std::vector<std::vector<EditedRow>>& rows) const {
  std::vector<size_t> counts;
  for (const auto& head : rows) counts.push_back(head.size());
  auto kept = std::make_shared<Kept>(*pool_, std::move(counts));
  if (!kept->equal()) lay_out_strips(*kept);
  for (uint32_t h = 0; h < shape_->kv_heads; ++h) {
    std::vector<int32_t> positions;
    for (const EditedRow& row : rows[h]) {
      note_bias(*kept, h, static_cast<int32_t>(positions.size()), bias_of(h, row));
      positions.push_back(row.position);
    }
    kept->positions[h] = packed(std::move(positions));
  }
  const size_t most = kept->strips ? 0 : kept->rows[0];
  WEIR_CHECK(edit.sinks >= 0 && static_cast<size_t>(edit.sinks) <= most, "{} sinks of {} rows",
             edit.sinks, most);
  hide_sinks(*kept, edit.sinks);
  kept->count_bytes();
  return kept;
}

void LayerTable::apply(const Edit& edit) {
  WEIR_CHECK(edit.heads.size() == shape_->kv_heads, "{} heads of {}", edit.heads.size(),
             shape_->kv_heads);
  WEIR_CHECK(freed_ == 0, "{} blocks were let go of", freed_);
  std::vector<std::vector<EditedRow>> rows;
  for (uint32_t h = 0; h < shape_->kv_heads; ++h) rows.push_back(edited(h, edit));
  const std::shared_ptr<Kept> kept = kept_by(edit, rows);
  if (kept->strips) fill_strips(rows, *kept);
  LayerTable next(*shape_, *pool_);
  next.kept_ = kept;
  const auto shared = kept->strips ? 0 : static_cast<int32_t>(kept->rows[0]);
  next.shift_ = end() - shared;
  for (uint32_t h = 0; h < shape_->kv_heads; ++h)
    for (int32_t p = 0; p < kept->strip_pages(h); ++p)
      next.point(h, static_cast<size_t>(p), next.strip_at(h, p));
  next.extend(shared);
  next.fill(rows, *this);
  *this = std::move(next);
}

// The pages of one head that an edit left it.
void LayerTable::list_strips(uint32_t layer, LayerLists& out) const {
  for (uint32_t h = 0; h < shape_->kv_heads; ++h)
    for (int32_t p = 0; p < kept_->strip_pages(h); ++p) {
      const PageAt at = strip_at(h, p);
      Page page;
      page.extent = *at.extent, page.offset = at.offset;
      page.rows = kPageSlots, page.first = {layer, h}, page.codec = at.codec;
      const int32_t padding = p == 0 ? kept_->padding(h) : 0;
      for (int32_t s = 0; s < kPageSlots; ++s) {
        const int32_t slot = std::max(s, padding) + p * kPageSlots - kept_->padding(h);
        page.positions.each.push_back(position(h, slot));
        page.bias.push_back(s < padding ? kDropped : bias(h, slot));
      }
      Slice slice;
      slice.page = static_cast<uint32_t>(out.pages.size());
      slice.begin = static_cast<uint32_t>(padding), slice.end = kPageSlots;
      out.pages.push_back(std::move(page));
      out.lists[h].slices.push_back(std::move(slice));
    }
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
  if (ragged()) list_strips(layer, out);
  const int32_t kept = ragged() ? 0 : this->kept();
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
  if (ragged()) bytes += kept_->strips->bytes();
  for (const ExtentRef& e : extents_)
    if (e) bytes += e.bytes();
  return bytes;
}

}  // namespace weir
