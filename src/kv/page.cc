#include "kv/page.h"

#include <map>

#include "base/check.h"

namespace weir {

float LayerLists::bias(const Slice& slice, uint32_t row) const {
  if (!slice.bias.empty()) return slice.bias[row - slice.begin];
  const std::vector<float>& own = pages[slice.page].bias;
  return own.empty() ? 0 : own[row];
}

void LayerLists::set_bias(Slice& slice, uint32_t row, float value) const {
  WEIR_CHECK(slice.begin <= row && row < slice.end, "row {} of [{}, {})", row, slice.begin,
             slice.end);
  std::vector<float> mine;
  for (uint32_t r = slice.begin; r < slice.end; ++r) mine.push_back(bias(slice, r));
  mine[row - slice.begin] = value;
  slice.bias = std::move(mine);
}

uint32_t LayerLists::live(uint32_t head) const {
  uint32_t rows = 0;
  for (const Slice& slice : lists[head].slices)
    for (uint32_t r = slice.begin; r < slice.end; ++r) rows += bias(slice, r) != kDropped;
  return rows;
}

uint64_t LayerLists::bytes() const {
  std::map<uint32_t, uint64_t> extents;
  for (const Page& page : pages)
    if (page.extent) extents[page.extent.id()] = page.extent.bytes();
  uint64_t sum = 0;
  for (const auto& [id, bytes] : extents) sum += bytes;
  return sum;
}

}  // namespace weir
