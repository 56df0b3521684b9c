// What the last queries before a point say of the rows before them: votes, as SnapKV counts them
// (policies/snapkv.cc).
#pragma once

#include <cstdint>
#include <vector>

#include "kv/policy.h"

namespace weir {

// How votes of neighbouring rows are pooled.
struct Pooling {
  int32_t kernel = 7;
  bool greatest = false;  // Else their sum.
};
Parameter window_parameter();
Parameter kernel_parameter(double initial);
Parameter pooling_parameter(bool greatest);
Pooling pooling_of(const Arguments& arguments);

// [kv_heads][rows of the head]: for each row before the window the probabilities that the window's
// queries gave it, of all query heads of the KV head, pooled along the rows; zeros for the window's
// own.
std::vector<std::vector<float>> window_votes(const PolicyView& view, uint32_t layer,
                                             const Pooling& pooling);

}  // namespace weir
