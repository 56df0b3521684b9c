// Attention over one piece. Keys and values are widened tile by tile: sixteen lanes (slots of K, or
// dimensions of V) by the steps of a chain, read by all strips of the block while it is in L1.
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

// Sixteen lanes of `pairs` steps by two, `stride` elements apart, as floats to `tile`. Exact.
template <typename Element, typename Load>
WEIR_INLINE void widen_with(const std::byte* from, int pairs, int stride, float* tile, Load load) {
  const Element* at = reinterpret_cast<const Element*>(from);
  for (int i = 0; i < pairs; ++i, at += stride, tile += 32) {
    Floats even, odd;
    load(at, even, odd);
    store(tile, even);
    store(tile + 16, odd);
  }
}

// `lanes` is where the sixteen lanes begin, in elements of a pair.
inline void widen(DType kv, const std::byte* page, int lanes, int first_pair, int pairs,
                  int pair_lanes, float* tile) {
  const int stride = 2 * pair_lanes;
  const size_t at = static_cast<size_t>(first_pair) * stride + 2 * lanes;
  if (kv == DType::kBF16)
    widen_with<uint16_t>(page + 2 * at, pairs, stride, tile,
                         [](const uint16_t* p, Floats& e, Floats& o) { load_pairs_bf16(p, e, o); });
  else if (kv == DType::kF16)
    widen_with<uint16_t>(page + 2 * at, pairs, stride, tile,
                         [](const uint16_t* p, Floats& e, Floats& o) { load_pairs_f16(p, e, o); });
  else
    widen_with<float>(page + 4 * at, pairs, stride, tile,
                      [](const float* p, Floats& e, Floats& o) { load_pairs(p, e, o); });
}

// to[r] = sum over i < count of x[r][i] * tile[i], each row and lane one chain in order of i.
template <int kRows>
void multiply_strip(const float* x, const float* tile, int count, float* to, int to_stride) {
  Floats sum[kRows];
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) sum[r] = broadcast(0.0f);
  for (int i = 0; i < count; ++i) {
    const Floats b = load(tile + 16 * i);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) sum[r] = fma(broadcast(x[r * kRowStride + i]), b, sum[r]);
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) store(to + r * to_stride, sum[r]);
}

using MultiplyStrip = void (*)(const float* x, const float* tile, int count, float* to,
                               int to_stride);
constexpr MultiplyStrip kMultiplyStrip[kStripRows + 1] = {
    nullptr,           multiply_strip<1>, multiply_strip<2>, multiply_strip<3>,
    multiply_strip<4>, multiply_strip<5>, multiply_strip<6>};

// A piece with its rows in strips.
struct Strips {
  explicit Strips(const AttentionPiece& p) : piece(p) {
    count = (p.rows + kStripRows - 1) / kStripRows;
    for (int r = 0; r < p.rows; ++r) {
      bounds[r / kStripRows].include(p.first[r], p.end[r]);
      all.include(p.first[r], p.end[r]);
    }
  }
  int rows(int strip) const {
    const int left = piece.rows - strip * kStripRows;
    return left < kStripRows ? left : kStripRows;
  }

  const AttentionPiece& piece;
  int count;
  Bounds bounds[kBlockRows / kStripRows], all;
};

// The logits of 16 slots for all strips that see one of them.
inline void multiply_keys(const Strips& strips, int slot) {
  const AttentionPiece& p = strips.piece;
  widen(p.kv, p.pages[slot / kPageSlots].k, slot % kPageSlots, 0, p.head_dim / 2, kPageSlots,
        p.tile);
  for (int s = 0; s < strips.count; ++s) {
    const Bounds b = strips.bounds[s];
    const size_t row = static_cast<size_t>(s) * kStripRows * kRowStride;
    if (!b.empty() && b.first < slot + 16 && b.end > slot)
      kMultiplyStrip[strips.rows(s)](p.q + row, p.tile, p.head_dim, p.logit + row + slot,
                                     kRowStride);
  }
}

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

// Sixteen dimensions of the weighted sums for all strips.
inline void multiply_values(const Strips& strips, int dim, float* out) {
  const AttentionPiece& p = strips.piece;
  const int begin = strips.all.first & -2;
  for (int at = begin; at < strips.all.end;) {
    const int page = at / kPageSlots, next = (page + 1) * kPageSlots;
    const int end = next < strips.all.end ? next : strips.all.end;
    widen(p.kv, p.pages[page].v, dim, at % kPageSlots / 2, (end - at + 1) / 2, p.head_dim,
          p.tile + 16 * at);
    at = next;
  }
  for (int s = 0; s < strips.count; ++s) {
    const Bounds b = strips.bounds[s];
    if (b.empty()) continue;
    const size_t row = static_cast<size_t>(s) * kStripRows;
    kMultiplyStrip[strips.rows(s)](p.logit + row * kRowStride + b.first, p.tile + 16 * b.first,
                                   b.end - b.first, out + row * p.head_dim + dim, p.head_dim);
  }
}

inline bool is_finite(const float* x, int n) {
  Floats zeros = broadcast(0.0f);
  for (int i = 0; i < n; i += 16) zeros = fma(load(x + i), broadcast(0.0f), zeros);
  return sum_lanes(zeros) == 0;
}

// The sums of one row over the slots that it sees, and no others: 0 times a NaN that belongs to
// someone else would be NaN. Where that matters not, multiply_values gave the same bits.
inline void multiply_seen_values(const AttentionPiece& p, int row, float* out) {
  const float* weight = p.logit + static_cast<size_t>(row) * kRowStride;
  for (int dim = 0; dim < p.head_dim; dim += 16) {
    Floats sum = broadcast(0.0f);
    for (int slot = p.first[row]; slot < p.end[row]; ++slot) {
      if (weight[slot] == 0) continue;
      widen(p.kv, p.pages[slot / kPageSlots].v, dim, slot % kPageSlots / 2, 1, p.head_dim, p.tile);
      sum = fma(broadcast(weight[slot]), load(p.tile + slot % 2 * 16), sum);
    }
    store(out + dim, sum);
  }
}

inline void clear_row(const AttentionFold& to, int row, int head_dim) {
  to.max[row] = kNothingSeen;
  to.sum[row] = 0;
  for (int d = 0; d < head_dim; d += 16)
    store(to.out + static_cast<size_t>(row) * head_dim + d, broadcast(0.0f));
}

// One piece for all rows of a block, from nothing.
inline void fold_piece(const AttentionPiece& p, const AttentionFold& to) {
  const Strips strips(p);
  for (int slot = strips.all.first & -16; slot < strips.all.end; slot += 16)
    multiply_keys(strips, slot);
  for (int row = 0; row < p.rows; ++row)
    if (const Bounds b = strips.bounds[row / kStripRows]; !b.empty())
      weigh(p, row, b, &to.max[row], &to.sum[row]);
  for (int dim = 0; dim < p.head_dim; dim += 16) multiply_values(strips, dim, to.out);
  for (int row = 0; row < p.rows; ++row) {
    float* out = to.out + static_cast<size_t>(row) * p.head_dim;
    if (p.first[row] >= p.end[row])
      clear_row(to, row, p.head_dim);
    else if (!is_finite(out, p.head_dim))
      multiply_seen_values(p, row, out);
  }
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
