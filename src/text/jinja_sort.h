// A stable sort whose comparison may fail.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "weir/status.h"

namespace weir::jinja {

// Merge sort from the bottom up. `less(a, b)` gives Result<bool>; its first error ends the sort.
// An order that contradicts itself (NaN) gives some order and no harm.
template <typename T, typename Less>
Status stable_sort(std::vector<T>& items, const Less& less) {
  std::vector<T> merged;
  for (std::size_t width = 1; width < items.size(); width *= 2) {
    merged.clear();
    merged.reserve(items.size());
    for (std::size_t begin = 0; begin < items.size(); begin += 2 * width) {
      std::size_t left = begin;
      const std::size_t middle = std::min(begin + width, items.size());
      std::size_t right = middle;
      const std::size_t end = std::min(begin + 2 * width, items.size());
      while (left < middle && right < end) {
        WEIR_ASSIGN(const bool swap, less(items[right], items[left]));
        merged.push_back(std::move(swap ? items[right++] : items[left++]));
      }
      while (left < middle) merged.push_back(std::move(items[left++]));
      while (right < end) merged.push_back(std::move(items[right++]));
    }
    std::swap(items, merged);
  }
  return {};
}

}  // namespace weir::jinja
