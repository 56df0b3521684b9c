#include "tensor/dtype.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace weir {
namespace {

constexpr std::array kTypes = {
    DTypeInfo{DType::kF32, "F32", 1, 4},       DTypeInfo{DType::kF16, "F16", 1, 2},
    DTypeInfo{DType::kBF16, "BF16", 1, 2},     DTypeInfo{DType::kQ4_0, "Q4_0", 32, 18},
    DTypeInfo{DType::kQ4_1, "Q4_1", 32, 20},   DTypeInfo{DType::kQ5_0, "Q5_0", 32, 22},
    DTypeInfo{DType::kQ5_1, "Q5_1", 32, 24},   DTypeInfo{DType::kQ8_0, "Q8_0", 32, 34},
    DTypeInfo{DType::kQ4_K, "Q4_K", 256, 144}, DTypeInfo{DType::kQ5_K, "Q5_K", 256, 176},
    DTypeInfo{DType::kQ6_K, "Q6_K", 256, 210},
};

}  // namespace

std::optional<DTypeInfo> find_dtype(uint32_t gguf_type) {
  const auto found = std::find_if(kTypes.begin(), kTypes.end(), [&](const DTypeInfo& t) {
    return static_cast<uint32_t>(t.type) == gguf_type;
  });
  if (found == kTypes.end()) return std::nullopt;
  return *found;
}

const DTypeInfo& info(DType type) {
  for (const DTypeInfo& t : kTypes)
    if (t.type == type) return t;
  WEIR_CHECK(false, "unknown dtype {}", static_cast<uint32_t>(type));
}

size_t row_bytes(DType type, size_t elements) {
  const DTypeInfo& t = info(type);
  WEIR_CHECK(elements % t.block_elements == 0, "{} elements of {}", elements, t.name);
  return elements / t.block_elements * t.block_bytes;
}

}  // namespace weir
