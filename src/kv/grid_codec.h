// What codecs whose rows stand on grids (kernels/grid.h) share: all but their name and form.
#pragma once

#include <string>

#include "kernels/grid.h"
#include "kv/codec.h"

namespace weir {

class GridCodec final : public Codec {
 public:
  GridCodec(std::string name, GridForm form, const PageShape& shape);

  std::string_view name() const override { return name_; }
  uint32_t version() const override { return 3; }
  size_t page_bytes() const override { return 2 * half_ * shape().lists; }
  uint32_t granule() const override { return kPageSlots; }

  void encode(uint32_t slot, const KvRows& rows, std::byte* page) const override;
  void decode(const std::byte* page, uint32_t list, uint32_t slot, uint32_t count, float* k,
              float* v) const override;
  AttentionPage in_place(const std::byte* page, uint32_t list) const override;

 private:
  std::string name_;
  GridForm form_;
  int dim_;
  size_t half_;
};

}  // namespace weir
