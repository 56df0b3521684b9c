#include "kv/cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

// The first block that a query at `next` or later may still read, where everything before is not.
size_t first_needed_block(const Reach& reach, int32_t next) {
  if (reach.kind != Reach::Kind::kWindow && reach.kind != Reach::Kind::kOwnBlock) return 0;
  const int32_t oldest = reach.kind == Reach::Kind::kWindow ? std::max(0, next - reach.window + 1)
                                                            : next / reach.window * reach.window;
  return static_cast<size_t>(oldest / kBlockSlots);
}

}  // namespace

Cache::Cache(const CacheShape& shape, PagePool& pool, const PageKey& root, Store store)
    : shape_(&shape),
      pool_(&pool),
      store_(std::move(store)),
      groups_(store_.groups(shape.all_editable())),
      promised_(pool),
      layers_(shape.layers, LayerTable(shape, pool)),
      last_key_(root) {
  WEIR_CHECK(shape.codec && shape.codec->granule() == 1, "no codec for open pages");
  if (retriever()) index_.assign(shape.layers, PageIndex(shape, pool, store_.retriever));
}

Result<Cache> Cache::fork(const Store& store) const {
  WEIR_CHECK(counts_all(), "{} rows count, and some layers have more", length_);
  Cache copy(*shape_, *pool_, last_key_, store);
  WEIR_TRY(copy.promise(room_));
  copy.layers_ = layers_;
  if (retriever()) copy.index_ = index_;
  copy.open_inputs_ = open_inputs_;
  copy.keys_ = keys_;
  copy.length_ = length_;
  copy.sealed_ = sealed_;
  copy.retrieved_ = retrieved_;
  copy.reads_ = reads_;
  return copy;
}

uint64_t Cache::promise_bytes(const Room& room) const {
  const uint64_t bytes = shape_->peak_bytes(room_ | room, pool_->page_bytes(), store_);
  return bytes - std::min(bytes, promised_.bytes());
}

Status Cache::promise(const Room& room) {
  WEIR_TRY(promised_.set(promised_.bytes() + promise_bytes(room)));
  room_ = room_ | room;
  return {};
}

void Cache::settle(const Room& room) {
  const uint64_t bytes = shape_->peak_bytes(room, pool_->page_bytes(), store_);
  WEIR_CHECK(bytes <= promised_.bytes(), "{} bytes of {}", bytes, promised_.bytes());
  const Status less = promised_.set(bytes);
  WEIR_CHECK(less, "{}", less.error().message);
  room_ = room;
}

void Cache::extend(uint32_t begin, uint32_t end, int32_t to) {
  WEIR_CHECK(static_cast<uint64_t>(to) <= room_.tokens, "{} rows promised {}", to, room_.tokens);
  const LayerRows all = rows_with(begin, end, to);
  WEIR_CHECK(all.most <= room_.rows.most && all.mean <= room_.rows.mean,
             "{} rows in a layer and {} on average, promised {} and {}", all.most, all.mean,
             room_.rows.most, room_.rows.mean);
  for (uint32_t l = begin; l < end; ++l) layers_[l].extend(layers_[l].shared_slot(to));
}

bool Cache::counts_all() const {
  return std::ranges::all_of(layers_, [&](const LayerTable& l) { return l.end() == length_; });
}

// As many as there are, but in the layers [begin, end) those before `to`.
LayerRows Cache::rows_with(uint32_t begin, uint32_t end, int32_t to) const {
  std::vector<int32_t> each;
  for (uint32_t l = 0; l < shape_->layers; ++l) {
    if (!shape_->editable(l)) continue;
    const LayerTable& table = layers_[l];
    each.push_back(table.mean_rows(table.shared_slot(l >= begin && l < end ? to : table.end())));
  }
  return LayerRows::of(each);
}

LayerRows Cache::rows() const {
  return rows_with(0, shape_->layers, length_);
}

void Cache::write(uint32_t layer, int32_t position, const float* k, const float* v, int32_t rows) {
  layers_[layer].write(layers_[layer].shared_slot(position), k, v, rows);
}

void Cache::advance(std::span<const int32_t> inputs, bool retrieved) {
  if (retrieved && !std::exchange(retrieved_, true)) leave_clean(store_.act());
  if (const int32_t at = std::exchange(sealed_ahead_, 0); at > 0 && !std::exchange(sealed_, true)) {
    const auto clean = static_cast<size_t>(at - length_);
    count(inputs.first(clean));
    leave_clean(store_.act());
    inputs = inputs.subspan(clean);
  }
  count(inputs);
  free_out_of_reach(0, shape_->layers, length_);
}

void Cache::count(std::span<const int32_t> inputs) {
  length_ += static_cast<int32_t>(inputs.size());
  open_inputs_.insert(open_inputs_.end(), inputs.begin(), inputs.end());
  while (open_inputs_.size() >= kBlockSlots) {
    last_key_ = next_key(last_key_, std::as_bytes(std::span(open_inputs_).first(kBlockSlots)), "");
    keys_.push_back(last_key_);
    open_inputs_.erase(open_inputs_.begin(), open_inputs_.begin() + kBlockSlots);
  }
}

// The act is a link of the chain of keys.
void Cache::leave_clean(std::string_view act) {
  last_key_ = next_key(last_key_, {}, fmt::format("{}@{}", act, length_));
}

void Cache::pass(uint32_t begin, uint32_t end, int32_t position) {
  free_out_of_reach(begin, end, position);
  if (store_.next_point(position - 1) == position) seal(begin, end, position);
}

void Cache::apply(std::span<const Edit> edits, int32_t position, std::string_view act) {
  uint64_t left = 0;
  for (const Edit& edit : edits) {
    WEIR_CHECK(edit.layer < shape_->layers && shape_->editable(edit.layer), "layer {}", edit.layer);
    LayerTable& layer = layers_[edit.layer];
    WEIR_CHECK(layer.end() == position, "layer {} has rows before {}, not {}", edit.layer,
               layer.end(), position);
    layer.apply(edit);
    if (!index_.empty()) index_[edit.layer].forget_from(0);
    WEIR_CHECK(room_.ragged || !layer.ragged(), "heads of layer {} have unequally many rows",
               edit.layer);
    const auto rows_left = static_cast<uint64_t>(layer.mean_rows(layer.shared_slot(position)));
    WEIR_CHECK(rows_left <= room_.kept.most, "{} rows promised {}", rows_left, room_.kept.most);
    left += rows_left;
  }
  const uint64_t most = room_.kept.mean * shape_->editable_layers();
  WEIR_CHECK(left <= most, "{} rows in all layers promised {}", left, most);
  const bool edited = !edits.empty() || edited_ahead_;
  edited_ahead_ = edited && position > length_;
  if (edited && !edited_ahead_) leave_clean(act);
}

void Cache::seal() {
  WEIR_CHECK(counts_all(), "{} rows count, and some layers have more", length_);
  seal(0, shape_->layers, length_);
}

void Cache::seal(uint32_t begin, uint32_t end, int32_t position) {
  for (const LayerGroup& group : groups_)
    if (group.back() >= begin && group.back() < end) seal(group, position);
}

void Cache::seal(const LayerGroup& group, int32_t position) {
  std::vector<LayerTable*> tables;
  int32_t slots = INT32_MAX;
  for (const uint32_t l : group)
    tables.push_back(&layers_[l]), slots = std::min(slots, layers_[l].shared_slot(position));
  const int32_t before = tables[0]->sealed();
  LayerTable::seal(tables, store_.codec, store_.settled(slots));
  const int32_t after = tables[0]->sealed();
  for (const uint32_t l : group)
    if (after > before && indexed(l)) index_[l].forget_from(before / kPageSlots);
  if (after == 0) return;
  if (position > length_)
    sealed_ahead_ = sealed_ahead_ > 0 ? std::min(sealed_ahead_, position) : position;
  else if (!std::exchange(sealed_, true))
    leave_clean(store_.act());
}

// Where an edit left rows, all of those may have summaries.
void Cache::summarise() {
  for (uint32_t l = 0; l < index_.size(); ++l) {
    if (!indexed(l)) continue;
    const int32_t slots = std::max(layers_[l].kept(), layers_[l].slot(Store::summarised(length_)));
    index_[l].extend(layers_[l], slots / kPageSlots);
  }
}

void Cache::free_out_of_reach(uint32_t begin, uint32_t end, int32_t position) {
  for (uint32_t l = begin; l < end; ++l)
    layers_[l].free_before(first_needed_block(shape_->reach[l], position));
}

void Cache::lists(uint32_t layer, int32_t position, std::span<AttentionList> out) const {
  const LayerTable& table = layers_[layer];
  for (uint32_t h = 0; h < shape_->kv_heads; ++h)
    out[h] = {table.pages(h), table.slot(position, h) + table.padding(h), -1};
}

void Cache::sinks(uint32_t layer, std::span<AttentionList> out) const {
  const LayerTable& table = layers_[layer];
  for (uint32_t h = 0; h < shape_->kv_heads; ++h) out[h] = {table.sink_pages(h), 0, table.sinks()};
}

uint64_t Cache::bytes() const {
  uint64_t bytes = 0;
  std::set<const PackedPages*> encoded;
  for (const LayerTable& layer : layers_) {
    bytes += layer.bytes();
    if (layer.encoded() && encoded.insert(layer.encoded()).second)
      bytes += layer.encoded()->bytes();
  }
  for (const PageIndex& index : index_) bytes += index.bytes();
  return bytes;
}

}  // namespace weir
