// Rows as they are, in f32, f16 or bf16: list after list, each K and then V in the layout that
// attention reads in place.
#include "base/check.h"
#include "kernels/layout.h"
#include "kv/codec.h"

namespace weir {
namespace {

class RawCodec final : public Codec {
 public:
  explicit RawCodec(const PageShape& shape)
      : Codec(shape),
        dim_(static_cast<int>(shape.head_dim)),
        half_(page_half_bytes(shape.kv, static_cast<int>(shape.head_dim))) {}

  std::string_view name() const override { return "raw"; }
  uint32_t version() const override { return 2; }
  size_t page_bytes() const override { return 2 * half_ * shape().lists; }

  void encode(uint32_t slot, const KvRows& rows, std::byte* page) const override {
    WEIR_CHECK(slot + rows.count <= kPageSlots, "slot {}, {} rows", slot, rows.count);
    const float *k = rows.k, *v = rows.v;
    for (uint32_t r = 0; r < rows.count; ++r) {
      std::byte* at = page;
      for (uint32_t l = 0; l < shape().lists; ++l, at += 2 * half_, k += dim_, v += dim_)
        write_row(shape().kv, dim_, static_cast<int>(slot + r), k, v, at, at + half_);
    }
  }

  void decode(const std::byte* page, uint32_t list, uint32_t slot, uint32_t count, float* k,
              float* v) const override {
    const std::byte* at = page + 2 * half_ * list;
    for (uint32_t r = 0; r < count; ++r, k += dim_, v += dim_)
      read_row(shape().kv, dim_, static_cast<int>(slot + r), at, at + half_, k, v);
  }

  AttentionPage in_place(const std::byte* page, uint32_t list) const override {
    const std::byte* at = page + 2 * half_ * list;
    return {at, at + half_, nullptr};
  }

 private:
  int dim_;
  size_t half_;
};

const CodecEntry entry({"raw", "store", "none", "elements as attention reads them", "nothing"},
                       [](const PageShape& shape,
                          const Arguments&) -> std::shared_ptr<const Codec> {
                         return std::make_shared<RawCodec>(shape);
                       });

}  // namespace
}  // namespace weir
