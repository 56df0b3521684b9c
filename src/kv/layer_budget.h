// Numbers of rows that need not be equal in all layers, and a budget of rows divided over layers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace weir {

// Bounds on the rows of those layers that an edit may touch.
struct LayerRows {
  uint64_t most = 0;  // In any one of them,
  uint64_t mean = 0;  // and in all, divided by their number and rounded up.

  LayerRows() = default;
  // As many in each.
  LayerRows(uint64_t each) : most(each), mean(each) {}
  LayerRows(uint64_t most_in_one, uint64_t mean_of_all) : most(most_in_one), mean(mean_of_all) {}
  // Of these numbers, one for each layer.
  static LayerRows of(std::span<const int32_t> rows);

  // The most pages that they take in so many layers: the last of each need not be full.
  uint64_t pages(uint64_t layers) const;

  // So many more in each; enough for either; what both allow.
  LayerRows operator+(uint64_t more) const { return {most + more, mean + more}; }
  LayerRows operator|(const LayerRows& b) const {
    return {std::max(most, b.most), std::max(mean, b.mean)};
  }
  LayerRows operator&(const LayerRows& b) const {
    return {std::min(most, b.most), std::min(mean, b.mean)};
  }
};

// Divides `total` rows over layers that have `rows` each: first `least` to each layer, then one by
// one to the layer with the most weight for each row that it would have beyond those, the lower of
// equals (Webster's method), until the total is reached or every layer has all of its rows. The
// shares are the weights' to about a row. A layer that joins never adds to another's, so that
// shares which become known layer by layer only shrink. A weight below 0, or NaN, is 0; if all are,
// all are equal. REQUIRES as many weights as layers, and no less than the least of all.
std::vector<int32_t> divide_rows(uint64_t total, std::span<const double> weights, int32_t least,
                                 std::span<const int32_t> rows);

}  // namespace weir
