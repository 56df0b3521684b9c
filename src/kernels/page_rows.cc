// Rows into pages and back: the layout of attention.h, and the rounding of floats to halves and
// bfloat16.
#include <bit>
#include <cstring>

#include "base/check.h"
#include "kernels/attention.h"

namespace weir {
namespace {

// To nearest even, as IEEE 754 and F16C have it: subnormals kept, too large becomes infinity, NaN
// stays a (quiet) NaN.
uint16_t to_f16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000)
    return static_cast<uint16_t>(sign | 0x7E00 | (magnitude >> 13 & 0x3FF));
  if (magnitude >= 0x477FF000) return static_cast<uint16_t>(sign | 0x7C00);  // >= 65520.
  if (magnitude < 0x38800000) {  // Below 2^-14: adding 1/2 leaves units of 2^-24 in the low bits.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3F000000));
  }
  const uint32_t rounded = magnitude + 0xFFF + (magnitude >> 13 & 1);
  return static_cast<uint16_t>(sign | ((rounded - 0x38000000) >> 13));
}

float from_f16(uint16_t half) {
  const uint32_t sign = (half & 0x8000u) << 16, rest = half & 0x7FFFu;
  if (rest >= 0x7C00) return std::bit_cast<float>(sign | 0x7F800000 | (rest & 0x3FF) << 13);
  const float magnitude = std::bit_cast<float>(rest << 13) * 0x1p112f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
}

uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

float from_bf16(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

float same(float value) {
  return value;
}

// Where element `dim` of slot `slot` lies.
struct Place {
  size_t k, v;
};
Place place(int head_dim, int slot, int dim) {
  return {static_cast<size_t>(dim / 2 * kPageSlots * 2 + slot * 2 + dim % 2),
          static_cast<size_t>(slot / 2 * head_dim * 2 + dim * 2 + slot % 2)};
}

// Pages are bytes; they are aligned for their elements.
template <auto kConvert, typename Element>
void write(int head_dim, int slot, const float* k, const float* v, Element* k_page,
           Element* v_page) {
  for (int d = 0; d < head_dim; ++d) {
    const Place at = place(head_dim, slot, d);
    k_page[at.k] = kConvert(k[d]);
    v_page[at.v] = kConvert(v[d]);
  }
}

template <auto kConvert, typename Element>
void read(int head_dim, int slot, const Element* k_page, const Element* v_page, float* k,
          float* v) {
  for (int d = 0; d < head_dim; ++d) {
    const Place at = place(head_dim, slot, d);
    k[d] = kConvert(k_page[at.k]);
    v[d] = kConvert(v_page[at.v]);
  }
}

template <typename Element>
Element* as(std::byte* page) {
  return reinterpret_cast<Element*>(page);
}
template <typename Element>
const Element* as(const std::byte* page) {
  return reinterpret_cast<const Element*>(page);
}

}  // namespace

size_t page_half_bytes(DType kv, int head_dim) {
  return row_bytes(kv, static_cast<size_t>(head_dim) * kPageSlots);
}

void write_row(DType kv, int head_dim, int slot, const float* k, const float* v, std::byte* k_page,
               std::byte* v_page) {
  if (kv == DType::kBF16)
    return write<to_bf16>(head_dim, slot, k, v, as<uint16_t>(k_page), as<uint16_t>(v_page));
  if (kv == DType::kF16)
    return write<to_f16>(head_dim, slot, k, v, as<uint16_t>(k_page), as<uint16_t>(v_page));
  WEIR_CHECK(kv == DType::kF32, "cache of {}", info(kv).name);
  write<same>(head_dim, slot, k, v, as<float>(k_page), as<float>(v_page));
}

void read_row(DType kv, int head_dim, int slot, const std::byte* k_page, const std::byte* v_page,
              float* k, float* v) {
  if (kv == DType::kBF16)
    return read<from_bf16>(head_dim, slot, as<uint16_t>(k_page), as<uint16_t>(v_page), k, v);
  if (kv == DType::kF16)
    return read<from_f16>(head_dim, slot, as<uint16_t>(k_page), as<uint16_t>(v_page), k, v);
  WEIR_CHECK(kv == DType::kF32, "cache of {}", info(kv).name);
  read<same>(head_dim, slot, as<float>(k_page), as<float>(v_page), k, v);
}

}  // namespace weir
