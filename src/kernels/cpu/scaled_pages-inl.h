// Pages whose rows are directions (AttentionPage::k_scale). The products with K and V are those of
// any raw page: logits meet the keys' scales before they are weighed, weights the values' after.
#pragma once

#include "kernels/cpu/strips-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

// Calls f(page, slot, end) for the slots that a row sees of each page with scales.
template <typename Function>
WEIR_INLINE void for_each_scaled_page(const AttentionPiece& p, int row, Function f) {
  for_each_page(Bounds{p.first[row], p.end[row]}, [&](int slot, int end) {
    const AttentionPage& page = p.pages[slot / kPageSlots];
    if (page.k_scale) f(page, slot, end);
  });
}

// Of the page's keys (half 0) or values (half 1) that lie apart, those in slots [slot, end) of the
// piece: calls f(slot, elements).
template <typename Type, typename Function>
WEIR_INLINE void for_each_own_row(const AttentionPage& page, int head_dim, int half, int slot,
                                  int end, Function f) {
  const auto* row = elements<Type>(page.own_rows) + half * page.own * head_dim;
  for (int i = 0; i < page.own; ++i, row += head_dim) {
    const int at = page_start(slot) + page.own_slots[half * page.own + i];
    if (at >= slot && at < end) f(at, row);
  }
}

WEIR_INLINE void scale_slots(const float* scale, int slot, int end, float* to) {
  for (int at = slot & -16; at < end; at += 16)
    store(to + at, multiply(load(to + at), load(scale + at % kPageSlots)));
}

template <typename Type>
WEIR_INLINE float dot(const float* q, const typename Type::Element* key, int head_dim) {
  Floats sum = broadcast(0.0f);
  for (int d = 0; d < head_dim; d += 16) sum = fma(load(q + d), Type::widened(key + d), sum);
  return sum_lanes(sum);
}

// The logits of what a row sees, from its products with directions.
template <typename Type>
void restore_logits(const AttentionPiece& p, int row) {
  float* logit = p.logit + row_at(row);
  for_each_scaled_page(p, row, [&](const AttentionPage& page, int slot, int end) {
    scale_slots(page.k_scale, slot, end, logit);
    for_each_own_row<Type>(page, p.head_dim, 0, slot, end, [&](int at, const auto* key) {
      logit[at] = dot<Type>(p.q + row_at(row), key, p.head_dim);
    });
  });
}

// A row's weights become those of directions; what it does not see weighs 0 already.
inline void scale_weights(const AttentionPiece& p, int row) {
  for_each_scaled_page(p, row, [&](const AttentionPage& page, int slot, int end) {
    scale_slots(page.v_scale, slot, end, p.logit + row_at(row));
  });
}

// A slot that is dropped may hold anything.
template <typename Type>
void add_own_values(const AttentionPiece& p, int row, float* out) {
  const float* weight = p.logit + row_at(row);
  for_each_scaled_page(p, row, [&](const AttentionPage& page, int slot, int end) {
    for_each_own_row<Type>(page, p.head_dim, 1, slot, end, [&](int at, const auto* value) {
      if (weight[at] == 0) return;
      const Floats w = broadcast(weight[at]);
      for (int d = 0; d < p.head_dim; d += 16)
        store(out + d, fma(w, Type::widened(value + d), load(out + d)));
    });
  });
}

}  // namespace weir::WEIR_ISA_NAMESPACE
