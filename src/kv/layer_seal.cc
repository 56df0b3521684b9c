// Sealing: how the settled rows of a group of layers become encoded pages that their tables share.
#include <algorithm>
#include <vector>

#include "base/check.h"
#include "kv/layer_table.h"

namespace weir {

// Whether the rows of a page stand at the same positions in both layers, in every KV head.
bool LayerTable::stands_as(const LayerTable& other, int32_t slot) const {
  for (uint32_t h = 0; h < shape_->kv_heads; ++h)
    for (int32_t s = slot; s < slot + kPageSlots; ++s)
      if (position(h, s + strip_rows(h)) != other.position(h, s + other.strip_rows(h)))
        return false;
  return true;
}

void LayerTable::seal(std::span<LayerTable* const> group, const std::shared_ptr<const Codec>& codec,
                      int32_t slots) {
  const LayerTable& first = *group[0];
  const auto rest = group.subspan(1);
  for (const LayerTable* table : group)
    WEIR_CHECK(slots % kPageSlots == 0 && slots <= table->room_, "{} slots of {}", slots,
               table->room_);
  const auto shares = [&](const LayerTable* table) { return table->packed_ == first.packed_; };
  if (!std::ranges::all_of(rest, shares)) return;
  const int32_t before = first.sealed();
  int32_t end = before;
  const auto stands = [&](const LayerTable* table) { return table->stands_as(first, end); };
  while (end < slots && std::ranges::all_of(rest, stands)) end += kPageSlots;
  if (end == before) return;
  const auto packed = first.own_packed(codec, group.size());
  for (int32_t slot = before; slot < end; slot += kPageSlots) encode_page(group, slot, *packed);
  for (uint32_t m = 0; m < group.size(); ++m) group[m]->adopt(packed, m, before);
}

// What no other sequence holds may grow. The group's own layers all hold it.
std::shared_ptr<PackedPages> LayerTable::own_packed(const std::shared_ptr<const Codec>& codec,
                                                    size_t layers) const {
  if (!packed_) return std::make_shared<PackedPages>(*pool_, codec);
  if (packed_.use_count() == static_cast<long>(layers)) return packed_;
  return std::make_shared<PackedPages>(*packed_);
}

void LayerTable::encode_page(std::span<LayerTable* const> group, int32_t slot, PackedPages& to) {
  const CacheShape& shape = *group[0]->shape_;
  const size_t dim = shape.head_dim, heads = shape.kv_heads, row = group.size() * heads * dim;
  std::vector<float> k(kPageSlots * row), v(k.size()), head_k(kPageSlots * dim), head_v(head_k);
  for (size_t list = 0; list < group.size() * heads; ++list) {
    const auto head = static_cast<uint32_t>(list % heads);
    const LayerTable& table = *group[list / heads];
    table.read(head, slot + table.strip_rows(head), kPageSlots, head_k.data(), head_v.data());
    for (size_t r = 0; r < kPageSlots; ++r) {
      std::copy_n(&head_k[r * dim], dim, &k[r * row + list * dim]);
      std::copy_n(&head_v[r * dim], dim, &v[r * row + list * dim]);
    }
  }
  std::byte* page = to.add();
  to.codec().encode(0, {kPageSlots, k.data(), v.data()}, page);
}

// The slots from `before` on are encoded now.
void LayerTable::adopt(const std::shared_ptr<PackedPages>& packed, uint32_t member,
                       int32_t before) {
  packed_ = packed, member_ = member;
  for (int32_t p = packed_->moved_from(before / kPageSlots); p < packed_->count(); ++p)
    point_at(static_cast<size_t>(p));
  let_go_of_raw();
}

// A block that a fork still reads stays whole until one of them lets go of it.
void LayerTable::let_go_of_raw() {
  const auto blocks = std::min(extents_.size(), static_cast<size_t>(sealed() / kBlockSlots) + 1);
  for (size_t b = 0; b < blocks; ++b) {
    ExtentRef& extent = extents_[b];
    if (!extent) continue;
    const int sealed_pages = sealed_pages_of(b);
    if (sealed_pages >= extent.committed())
      extent = {};
    else if (!extent.shared())
      extent.drop(sealed_pages);
  }
}

}  // namespace weir
