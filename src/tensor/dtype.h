// The element types of a GGUF file and of the cache, and how many bytes their blocks take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir {

// Values are GGUF's type numbers.
enum class DType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kBF16 = 30,
};

// A row of n elements is n / block_elements blocks of block_bytes each.
struct DTypeInfo {
  DType type;
  std::string_view name;  // As GGUF tools print it: "Q4_1".
  uint32_t block_elements;
  uint32_t block_bytes;
};

// All types weir can read.
std::optional<DTypeInfo> find_dtype(uint32_t gguf_type);
const DTypeInfo& info(DType type);

// Bytes of a row; REQUIRES elements to be a multiple of the block and the result to fit.
size_t row_bytes(DType type, size_t elements);

}  // namespace weir
