// One layer of one sequence: rows in slots, 256 slots to an extent, all KV heads side by side.
//
//   unedited:   slot  0  1  2  3  4  5  6 ...       a row's slot is its position
//   edited:     slot  0  1  2  3 | 4  5  6 ...      first what the last edit left, which may be
//                    kept        |  since           other rows in each head; then the rows
//               head 0:  0 1 5 9 | 12 13 14         computed since, in order of position
//               head 1:  0 4 5 8 | 12 13 14
//
// So an edited layer is read as any other: pages of slots, without holes. Where an edit leaves
// heads unequally many rows, those lie apart, in strips: pages of one head, of which a head has as
// many as its rows take. Its other rows begin with a page of all heads, so what the last strip has
// to spare comes first, as padding that weighs nothing:
//
//   head 0:   .  .  0  1  5  9  10  | 12 13 14      strips, then slots that all heads share;
//   head 1:   .  .  .  .  .  .   4  | 12 13 14      a head counts its slots from its first row
//
// Settled rows may be
// encoded (store.h): the first slots, in whole pages, whose raw bytes are gone then. Encoded pages
// may hold the rows of several layers, whose tables share them (layer_seal.cc).
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kernels/attention.h"
#include "kv/cache_shape.h"
#include "kv/edit.h"
#include "kv/packed_pages.h"
#include "kv/page.h"
#include "kv/page_pool.h"

namespace weir {

// A copy shares the extents, until either writes.
class LayerTable {
 public:
  // `shape` and `pool` outlive it.
  LayerTable(const CacheShape& shape, PagePool& pool);

  // The rows that the last edit left in a KV head.
  int32_t kept(uint32_t head = 0) const {
    return kept_ ? static_cast<int32_t>(kept_->rows[head]) : 0;
  }
  // Whether it left heads unequally many. Where it did not, heads need not be named below.
  bool ragged() const { return kept_ && kept_->strips; }
  // The slots of a head that there is room for, and the position after the last of them.
  int32_t slots(uint32_t head = 0) const { return room_ + strip_rows(head); }
  int32_t end() const { return room_ + shift_; }
  // Of the row computed at `position`, not before the last edit: of those that heads share, and of
  // a head.
  int32_t shared_slot(int32_t position) const { return position - shift_; }
  int32_t slot(int32_t position, uint32_t head = 0) const {
    return shared_slot(position) + strip_rows(head);
  }
  // Kernels see a head's slot s at s + padding(head) of its pages().
  int32_t padding(uint32_t head) const { return kept_ ? kept_->padding(head) : 0; }
  // The rows of a head, on average and rounded up, with so many shared slots.
  int32_t mean_rows(int32_t shared) const { return shared + (kept_ ? kept_->mean_in_strips() : 0); }
  // Those before were let go of.
  int32_t first_slot() const { return static_cast<int32_t>(freed_) * kBlockSlots; }
  // The first rows that are read by queries moved back by shift() positions; pages() hides them.
  int32_t sinks() const { return kept_ ? kept_->sinks : 0; }
  int32_t shift() const { return shift_; }
  // Where the row of a KV head in a slot stands, and what is added to its logit.
  int32_t position(uint32_t head, int32_t slot) const;
  float bias(uint32_t head, int32_t slot) const;
  // How many rows it stands for: exp of the bias.
  float weight(uint32_t head, int32_t slot) const;

  // Makes room for the shared slots up to `to`, all that there are being written; pages that they
  // touch become this sequence's own.
  void extend(int32_t to);
  // Writes rows, k and v [rows][kv_heads][head_dim], to shared slots that there is room for. From
  // several threads.
  void write(int32_t slot, const float* k, const float* v, int32_t rows) const;
  // As they were rounded into the pages: rows [slot, slot + rows) of one KV head, [rows][head_dim].
  void read(uint32_t head, int32_t slot, int32_t rows, float* k, float* v) const;
  // Lets go of the blocks before this one.
  void free_before(size_t block);
  // What one of its KV heads comes to hold by an edit, in order. REQUIRES an edit of this layer.
  std::vector<EditedRow> edited(uint32_t head, const Edit& edit) const;
  // Carries an edit out. REQUIRES all slots to be written. What was encoded is decoded.
  void apply(const Edit& edit);
  // Encodes the first so many shared slots of a codec's group of layers, as far as they are not;
  // all have their rows. A page's rows stand at the same positions in all of its layers: before the
  // first that do not it ends, and where an edit left some of the layers without the encoded pages
  // that others have, nothing is encoded. REQUIRES whole pages and the group of the calls before.
  static void seal(std::span<LayerTable* const> group, const std::shared_ptr<const Codec>& codec,
                   int32_t slots);
  // The slots that are encoded, and their pages, which the layers of a group share; null: none.
  int32_t sealed() const { return packed_ ? packed_->count() * kPageSlots : 0; }
  const PackedPages* encoded() const { return packed_.get(); }

  // Of one KV head, for kernels.
  std::span<const AttentionPage> pages(uint32_t head) const { return pages_[head]; }
  std::span<const AttentionPage> sink_pages(uint32_t head) const { return sink_pages_[head]; }
  // As lists of slices; `keys` are those of clean blocks.
  LayerLists lists(uint32_t layer, std::span<const PageKey> keys) const;
  // What attention reads of the shared slots [0, slots).
  uint64_t bytes_read(int32_t slots) const;
  // Held memory, extents that forks share included, but for encoded pages.
  uint64_t bytes() const;

 private:
  // The rows that the last edit left: a head's first slots.
  struct Kept {
    Kept(PagePool& pool, std::vector<size_t> its_rows)
        : rows(std::move(its_rows)), positions(rows.size()), bias(rows.size()), used(pool, 0) {}
    bool equal() const { return std::ranges::count(rows, rows[0]) == std::ssize(rows); }
    void count_bytes();
    // Pages of one head, if they lie in strips.
    int32_t strip_pages(uint32_t head) const {
      return strips ? first_strip[head + 1] - first_strip[head] : 0;
    }
    int32_t padding(uint32_t head) const {
      return strips ? strip_pages(head) * kPageSlots - static_cast<int32_t>(rows[head]) : 0;
    }
    int32_t mean_in_strips() const;

    std::vector<size_t> rows;  // [kv_heads]
    int32_t sinks = 0;
    std::vector<Positions> positions;      // [kv_heads]
    std::vector<std::vector<float>> bias;  // [kv_heads], of whole pages, padding first; empty:
                                           // zeros, as are pages after its last.
    // The same of the pages with sinks in them, which are dropped here; empty: no sinks.
    std::vector<std::vector<float>> without_sinks;
    std::unique_ptr<PackedPages> strips;  // Of all heads, one after the other; null: rows lie in
    std::vector<int32_t> first_strip;     // shared slots. [kv_heads + 1]
    UsedBytes used;
  };

  // Where a page of slots lies.
  struct PageAt {
    const Codec* codec;
    const ExtentRef* extent;
    size_t offset;
    uint32_t list;  // That of head 0.
    std::byte* bytes() const { return extent->page(0) + offset; }
  };
  PageAt page_at(int32_t shared_slot) const;
  PageAt page_at(uint32_t head, int32_t slot) const;
  PageAt strip_at(uint32_t head, int32_t page) const;
  int32_t strip_rows(uint32_t head) const {
    return ragged() ? static_cast<int32_t>(kept_->rows[head]) : 0;
  }
  void own_block(size_t block);
  void point_at(size_t shared_page);
  void point(uint32_t head, size_t page, const PageAt& at);
  void list_strips(uint32_t layer, LayerLists& out) const;
  bool stands_as(const LayerTable& other, int32_t slot) const;
  std::shared_ptr<PackedPages> own_packed(const std::shared_ptr<const Codec>& codec,
                                          size_t layers) const;
  static void encode_page(std::span<LayerTable* const> group, int32_t slot, PackedPages& to);
  void adopt(const std::shared_ptr<PackedPages>& packed, uint32_t member, int32_t before);
  int sealed_pages_of(size_t block) const;
  void let_go_of_raw();
  std::shared_ptr<Kept> kept_by(const Edit& edit,
                                const std::vector<std::vector<EditedRow>>& rows) const;
  void lay_out_strips(Kept& kept) const;
  void hide_sinks(Kept& kept, int32_t sinks) const;
  void note_bias(Kept& kept, uint32_t head, int32_t slot, float bias) const;
  float bias_of(uint32_t head, const EditedRow& row) const;
  void fill(const std::vector<std::vector<EditedRow>>& rows, const LayerTable& from);
  void fill_strips(const std::vector<std::vector<EditedRow>>& rows, Kept& kept) const;
  void read_row(uint32_t head, const EditedRow& row, float* k, float* v) const;

  const CacheShape* shape_;
  PagePool* pool_;
  std::vector<ExtentRef> extents_;                      // By slot / 256, of those not encoded.
  std::shared_ptr<PackedPages> packed_;                 // The encoded ones, of its group; or null.
  uint32_t member_ = 0;                                 // Which of the group it is.
  std::vector<std::vector<AttentionPage>> pages_;       // [kv_heads][slot / 64].
  std::vector<std::vector<AttentionPage>> sink_pages_;  // [kv_heads]
  std::shared_ptr<const Kept> kept_;                    // Forks share it. Null: nothing was edited.
  size_t freed_ = 0;                                    // Blocks let go.
  int32_t shift_ = 0;  // Position less shared slot of rows since the edit.
  int32_t room_ = 0;   // Shared slots that there is room for.
};

}  // namespace weir
