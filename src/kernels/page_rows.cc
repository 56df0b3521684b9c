// Rows into pages and back, in the layout of attention.h.
#include <algorithm>

#include "base/check.h"
#include "kernels/attention.h"
#include "kernels/attention_piece.h"
#include "kernels/kernel_table.h"
#include "tensor/half.h"

namespace weir {
namespace {

// Where the keys of one slot begin, kLaneRun elements from one to the next.
size_t key_column(int head_dim, int slot) {
  return static_cast<size_t>(slot / kLaneRun * head_dim * kLaneRun + slot % kLaneRun);
}

// Calls f(first, width, offset) for each run of dimensions of one slot's value.
template <typename Function>
void for_each_run(int head_dim, int slot, const Function& f) {
  const auto dims = static_cast<size_t>(head_dim), at = static_cast<size_t>(slot);
  for (size_t first = 0; first < dims; first += kLaneRun) {
    const size_t width = std::min<size_t>(kLaneRun, dims - first);
    f(first, width, first * kPageSlots + at * width);
  }
}

// One type's rows. Pages are bytes; they are aligned for their elements.
template <typename Element>
struct RowsOf {
  void (*narrow)(const float* from, size_t n, Element* to);
  void (*widen)(const Element* from, size_t n, float* to);

  void write(int head_dim, int slot, const float* k, const float* v, std::byte* k_page,
             std::byte* v_page) const {
    Element key[kMaxHeadDim];
    narrow(k, static_cast<size_t>(head_dim), key);
    Element* column = reinterpret_cast<Element*>(k_page) + key_column(head_dim, slot);
    for (int d = 0; d < head_dim; ++d) column[d * kLaneRun] = key[d];
    for_each_run(head_dim, slot, [&](size_t first, size_t width, size_t at) {
      narrow(v + first, width, reinterpret_cast<Element*>(v_page) + at);
    });
  }

  void read(int head_dim, int slot, const std::byte* k_page, const std::byte* v_page, float* k,
            float* v) const {
    Element key[kMaxHeadDim];
    const Element* column = reinterpret_cast<const Element*>(k_page) + key_column(head_dim, slot);
    for (int d = 0; d < head_dim; ++d) key[d] = column[d * kLaneRun];
    widen(key, static_cast<size_t>(head_dim), k);
    for_each_run(head_dim, slot, [&](size_t first, size_t width, size_t at) {
      widen(reinterpret_cast<const Element*>(v_page) + at, width, v + first);
    });
  }
};

template <auto kConvert, typename From, typename To>
void each(const From* from, size_t n, To* to) {
  for (size_t i = 0; i < n; ++i) to[i] = kConvert(from[i]);
}

float same(float value) {
  return value;
}

// Calls f with the RowsOf of a type.
template <typename Function>
void with_rows_of(DType kv, int head_dim, const Function& f) {
  WEIR_CHECK(head_dim > 0 && head_dim <= kMaxHeadDim, "head_dim {}", head_dim);
  if (kv == DType::kF16)
    return f(RowsOf<uint16_t>{kernels().to_halves, each<float_of_half, uint16_t, float>});
  if (kv == DType::kBF16)
    return f(RowsOf<uint16_t>{each<bfloat16_of_float, float, uint16_t>,
                              each<float_of_bfloat16, uint16_t, float>});
  WEIR_CHECK(kv == DType::kF32, "cache of {}", info(kv).name);
  f(RowsOf<float>{each<same, float, float>, each<same, float, float>});
}

}  // namespace

void write_own_row(DType kv, int head_dim, const float* row, std::byte* to) {
  with_rows_of(kv, head_dim, [&]<typename Element>(const RowsOf<Element>& rows) {
    rows.narrow(row, static_cast<size_t>(head_dim), reinterpret_cast<Element*>(to));
  });
}

void read_own_row(DType kv, int head_dim, const std::byte* from, float* row) {
  with_rows_of(kv, head_dim, [&]<typename Element>(const RowsOf<Element>& rows) {
    rows.widen(reinterpret_cast<const Element*>(from), static_cast<size_t>(head_dim), row);
  });
}

size_t page_half_bytes(DType kv, int head_dim) {
  return row_bytes(kv, static_cast<size_t>(head_dim) * kPageSlots);
}

void write_row(DType kv, int head_dim, int slot, const float* k, const float* v, std::byte* k_page,
               std::byte* v_page) {
  with_rows_of(kv, head_dim,
               [&](const auto& rows) { rows.write(head_dim, slot, k, v, k_page, v_page); });
}

void read_row(DType kv, int head_dim, int slot, const std::byte* k_page, const std::byte* v_page,
              float* k, float* v) {
  with_rows_of(kv, head_dim,
               [&](const auto& rows) { rows.read(head_dim, slot, k_page, v_page, k, v); });
}

}  // namespace weir
