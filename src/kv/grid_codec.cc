#include "kv/grid_codec.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"

namespace weir {

GridCodec::GridCodec(std::string name, GridForm form, const PageShape& shape)
    : Codec(shape),
      name_(std::move(name)),
      form_(form),
      dim_(static_cast<int>(shape.head_dim)),
      half_(grid_half_bytes(form, dim_)) {}

void GridCodec::encode(uint32_t slot, const KvRows& rows, std::byte* page) const {
  WEIR_CHECK(slot == 0 && rows.count == kPageSlots, "slot {}, {} rows", slot, rows.count);
  const size_t dim = shape().head_dim, row = dim * shape().lists;
  std::vector<float> k(kPageSlots * dim), v(k.size());
  for (size_t list = 0; list < shape().lists; ++list, page += 2 * half_) {
    for (size_t r = 0; r < kPageSlots; ++r) {
      std::copy_n(rows.k + r * row + list * dim, dim, &k[r * dim]);
      std::copy_n(rows.v + r * row + list * dim, dim, &v[r * dim]);
    }
    write_grid(form_, dim_, k.data(), v.data(), page, page + half_);
  }
}

void GridCodec::decode(const std::byte* page, uint32_t list, uint32_t slot, uint32_t count,
                       float* k, float* v) const {
  const std::byte* at = page + 2 * half_ * list;
  for (uint32_t r = 0; r < count; ++r, k += dim_, v += dim_)
    read_grid_row(form_, dim_, static_cast<int>(slot + r), at, at + half_, k, v);
}

AttentionPage GridCodec::in_place(const std::byte* page, uint32_t list) const {
  const std::byte* at = page + 2 * half_ * list;
  return {at, at + half_, nullptr, form_};
}

}  // namespace weir
