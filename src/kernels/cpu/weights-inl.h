// From logits to weights, and what is done with a row's sums: everything but the two products.
#pragma once

#include "kernels/attention_piece.h"
#include "kernels/cpu/exponential-inl.h"

namespace weir::WEIR_ISA_NAMESPACE {

constexpr float kMinusInfinity = -__builtin_inff();

// The slots of a piece that some row of a strip sees.
struct Bounds {
  int first = kPieceSlots, end = 0;
  bool empty() const { return first >= end; }
  void include(int from, int to) {
    if (from >= to) return;
    first = from < first ? from : first;
    end = to > end ? to : end;
  }
};

// Adds the bias to sixteen logits; -inf where it is -inf, whatever the key holds.
WEIR_INLINE Floats add_bias(Floats x, const float* bias) {
  const Floats b = load(bias);
  return select_less(b, broadcast(kNothingSeen), broadcast(kMinusInfinity), add(x, b));
}

// -inf outside of [first, end).
WEIR_INLINE Floats mask(Floats x, int slot, int first, int end) {
  alignas(64) static constexpr float kLane[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                  8, 9, 10, 11, 12, 13, 14, 15};
  const Floats at = add(load(kLane), broadcast(static_cast<float>(slot)));
  const Floats none = broadcast(kMinusInfinity);
  x = select_less(at, broadcast(static_cast<float>(first)), none, x);
  return select_less(at, broadcast(static_cast<float>(end)), x, none);
}

// Turns a row's logits in the strip's bounds into weights. A slot that it does not see weighs 0.
inline void weigh(const AttentionPiece& p, int row, Bounds strip, float* max, float* sum) {
  float* logit = p.logit + static_cast<size_t>(row) * kRowStride;
  const int first = p.first[row], end = p.end[row];
  const int from = strip.first / 16 * 16, to = strip.end;
  Floats most = broadcast(kNothingSeen);
  for (int at = from; at < to; at += 16) {
    Floats x = load(logit + at);
    const float* bias = p.pages[at / kPageSlots].bias;
    if (bias) x = add_bias(x, bias + at % kPageSlots);
    if (at < first || at + 16 > end) x = mask(x, at, first, end);
    most = maximum(most, x);
    if (bias || at < first || at + 16 > end) store(logit + at, x);
  }
  *max = maximum_lane(most);
  const Floats top = broadcast(*max);
  Floats total = broadcast(0.0f);
  for (int at = from; at < to; at += 16) {
    const Floats weight = exponential(subtract(load(logit + at), top));
    total = add(total, weight);
    store(logit + at, weight);
  }
  *sum = sum_lanes(total);
}

inline bool is_finite(const float* x, int n) {
  Floats zeros = broadcast(0.0f);
  for (int i = 0; i < n; i += 16) zeros = fma(load(x + i), broadcast(0.0f), zeros);
  return sum_lanes(zeros) == 0;
}

inline void clear_row(const AttentionFold& to, int row, int head_dim) {
  to.max[row] = kNothingSeen;
  to.sum[row] = 0;
  for (int d = 0; d < head_dim; d += 16)
    store(to.out + static_cast<size_t>(row) * head_dim + d, broadcast(0.0f));
}

// into += part, row by row. Merging a row that saw nothing changes nothing.
inline void merge_folds(const AttentionFold& into, const AttentionFold& part, int rows,
                        int head_dim) {
  for (int r = 0; r < rows; ++r) {
    const float max = into.max[r] > part.max[r] ? into.max[r] : part.max[r];
    const Floats mine = exponential(broadcast(into.max[r] - max));
    const Floats other = exponential(broadcast(part.max[r] - max));
    const auto merged = [&](Floats a, Floats b) { return fma(a, mine, multiply(b, other)); };
    float sum[16];
    store(sum, merged(broadcast(into.sum[r]), broadcast(part.sum[r])));
    into.max[r] = max;
    into.sum[r] = sum[0];
    const size_t at = static_cast<size_t>(r) * head_dim;
    for (size_t d = at; d < at + head_dim; d += 16)
      store(into.out + d, merged(load(into.out + d), load(part.out + d)));
  }
}

// A row's result; zeros where it saw nothing. Adding 0 turns -0 to 0: masked slots may change the
// sign of a zero, and nothing else.
inline void finish_row(const float* out, float sum, int head_dim, bool divide_by_sum, float* to) {
  const Floats zero = broadcast(0.0f), divisor = broadcast(divide_by_sum && sum != 0 ? sum : 1.0f);
  for (int d = 0; d < head_dim; d += 16) store(to + d, add(divide(load(out + d), divisor), zero));
}

}  // namespace weir::WEIR_ISA_NAMESPACE
