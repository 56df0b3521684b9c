#include "kv/edit.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace weir {

std::vector<EditedRow> edited_rows(const HeadEdit& edit, int32_t slots,
                                   const std::function<int32_t(int32_t)>& position_of) {
  std::vector<bool> named(static_cast<size_t>(slots));
  const auto name_once = [&](int32_t slot) {
    WEIR_CHECK(slot >= 0 && slot < slots, "slot {} of {}", slot, slots);
    WEIR_CHECK(!named[static_cast<size_t>(slot)], "slot {} is named twice", slot);
    named[static_cast<size_t>(slot)] = true;
  };
  std::vector<EditedRow> out;
  for (const int32_t& slot : edit.kept) {
    name_once(slot);
    WEIR_CHECK(&slot == edit.kept.data() || slot > *(&slot - 1), "slot {} is out of order", slot);
    out.push_back({position_of(slot), {&slot, 1}, nullptr});
  }
  for (const MergedRow& row : edit.merged) {
    const size_t n = row.sources.size();
    WEIR_CHECK(n > 0 && row.k.size() == n && row.v.size() == n, "{} sources, {} and {} weights", n,
               row.k.size(), row.v.size());
    for (const int32_t slot : row.sources) name_once(slot);
    out.push_back({row.position, row.sources, &row});
  }
  std::ranges::sort(out, [](const EditedRow& a, const EditedRow& b) {
    return std::pair(a.position, a.sources[0]) < std::pair(b.position, b.sources[0]);
  });
  return out;
}

}  // namespace weir
