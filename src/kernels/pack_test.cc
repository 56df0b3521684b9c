#include <gtest/gtest.h>

#include "base/thread_pool.h"
#include "kernels/matmul.h"
#include "kernels/weight_samples.h"

namespace weir {
namespace {

// Each format, each kind of block, and outputs that fill no whole tile.
TEST(Pack, WidenedRowsAreTheDecodedOnes) {
  ThreadPool pool(2);
  Arena arena;
  constexpr size_t kRows = 37, kColumns = 512;
  for (DType type : kAllTypes)
    for (Sample sample : kAllSamples) {
      const WeightSamples weights(type, kRows, kColumns, 7, sample);
      const PackedMatrix packed(weights.tensor(), Arithmetic::kInteger, pool, arena);
      std::vector<float> row(kColumns);
      for (size_t r = 0; r < kRows; ++r) {
        packed.widen_row(r, row.data());
        for (size_t c = 0; c < kColumns; ++c)
          ASSERT_EQ(row[c], static_cast<float>(weights.at(r, c)))
              << info(type).name << " row " << r << " column " << c;
      }
    }
}

TEST(Pack, TakesAsManyBitsAsTheFile) {
  ThreadPool pool(1);
  Arena arena;
  for (DType type : kAllTypes) {
    const WeightSamples weights(type, 32, 256, 1);
    const PackedMatrix packed(weights.tensor(), Arithmetic::kInteger, pool, arena);
    EXPECT_EQ(packed.bytes(), weights.tensor().bytes()) << info(type).name;
  }
}

TEST(Pack, FloatsStayFloats) {
  ThreadPool pool(1);
  Arena arena;
  for (DType type : kAllTypes) {
    const WeightSamples weights(type, 16, 256, 1);
    const bool is_float = info(type).block_elements == 1;
    EXPECT_EQ(PackedMatrix(weights.tensor(), Arithmetic::kInteger, pool, arena).arithmetic(),
              is_float ? Arithmetic::kFloat : Arithmetic::kInteger);
    EXPECT_EQ(PackedMatrix(weights.tensor(), Arithmetic::kFloat, pool, arena).arithmetic(),
              Arithmetic::kFloat);
  }
}

}  // namespace
}  // namespace weir
