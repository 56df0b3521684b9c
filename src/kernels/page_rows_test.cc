#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/attention.h"
#include "kernels/isa_fixture.h"
#include "tensor/tensor.h"

namespace weir {
namespace {

constexpr int kDim = 48;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// A page of one type; `bits` and `value` are one element of slot 0.
struct Page {
  explicit Page(DType type) : kv(type), memory(2 * page_half_bytes(type, kDim)) {}
  std::byte* k() { return memory.data(); }
  std::byte* v() { return memory.data() + page_half_bytes(kv, kDim); }

  uint16_t bits_of(float value) {
    const std::vector<float> row(kDim, value);
    write_row(kv, kDim, 0, row.data(), row.data(), k(), v());
    return *reinterpret_cast<const uint16_t*>(k());
  }
  float value_of(uint16_t bits) {
    std::memcpy(k(), &bits, 2);
    std::vector<float> key(kDim), value(kDim);
    read_row(kv, kDim, 0, k(), v(), key.data(), value.data());
    return key[0];
  }

  DType kv;
  Buffer memory;
};

TEST(PageRows, LieAsTheHeaderSays) {
  Page page(DType::kF32);
  std::vector<float> k(kDim), v(kDim);
  for (int slot = 0; slot < kPageSlots; ++slot) {
    for (int d = 0; d < kDim; ++d) k[d] = static_cast<float>(1000 * slot + d), v[d] = -k[d];
    write_row(DType::kF32, kDim, slot, k.data(), v.data(), page.k(), page.v());
  }
  const auto* keys = reinterpret_cast<const float(*)[kDim][kLaneRun]>(page.k());
  const auto* values = reinterpret_cast<const float(*)[kLaneRun]>(page.v());
  const auto* rest = reinterpret_cast<const float(*)[kDim - kLaneRun]>(values + kPageSlots);
  for (int slot = 0; slot < kPageSlots; ++slot)
    for (int d = 0; d < kDim; ++d) {
      ASSERT_EQ(keys[slot / kLaneRun][d][slot % kLaneRun], static_cast<float>(1000 * slot + d));
      const float value = d < kLaneRun ? values[slot][d] : rest[slot][d - kLaneRun];
      ASSERT_EQ(value, -static_cast<float>(1000 * slot + d));
    }
}

TEST(PageRows, AreReadBackAsRounded) {
  for (const DType kv : {DType::kF32, DType::kF16, DType::kBF16}) {
    Page page(kv);
    std::vector<float> k(kDim), v(kDim), key(kDim), value(kDim);
    for (int d = 0; d < kDim; ++d) k[d] = 1.0f / static_cast<float>(d + 3), v[d] = -5 * k[d];
    write_row(kv, kDim, 17, k.data(), v.data(), page.k(), page.v());
    read_row(kv, kDim, 17, page.k(), page.v(), key.data(), value.data());
    const double bound = kv == DType::kF32 ? 0 : kv == DType::kF16 ? 0x1p-11 : 0x1p-8;
    for (int d = 0; d < kDim; ++d) {
      EXPECT_NEAR(key[d], k[d], std::abs(k[d]) * bound);
      EXPECT_NEAR(value[d], v[d], std::abs(v[d]) * bound);
    }
  }
}

TEST(PageRows, OnlyTheSlotIsWritten) {
  for (const DType kv : {DType::kF32, DType::kF16, DType::kBF16}) {
    Page page(kv);
    const std::vector<float> ones(kDim, 1.0f);
    write_row(kv, kDim, 63, ones.data(), ones.data(), page.k(), page.v());
    std::vector<float> key(kDim), value(kDim);
    for (int slot = 0; slot < 63; ++slot) {
      read_row(kv, kDim, slot, page.k(), page.v(), key.data(), value.data());
      EXPECT_EQ(key, std::vector<float>(kDim)) << slot;
      EXPECT_EQ(value, std::vector<float>(kDim)) << slot;
    }
  }
}

// All pairs of neighbours: what lies between goes to the nearer, the middle to the even one.
void expect_nearest_even(DType kv, uint16_t infinity) {
  Page page(kv);
  for (uint16_t low = 0; low + 1 < infinity; ++low) {
    const float a = page.value_of(low), b = page.value_of(static_cast<uint16_t>(low + 1));
    const float middle = a / 2 + b / 2;  // May not be a float where bfloat16 is subnormal.
    const auto even = static_cast<uint16_t>(low + low % 2);
    ASSERT_EQ(page.bits_of(a), low);
    if (double{middle} != (double{a} + b) / 2) continue;
    ASSERT_EQ(page.bits_of(middle), even) << low;
    ASSERT_EQ(page.bits_of(-middle), even | 0x8000) << low;
    ASSERT_EQ(page.bits_of(std::nextafter(middle, a)), low) << low;
    ASSERT_EQ(page.bits_of(std::nextafter(middle, b)), low + 1) << low;
  }
}

class PageRowsTest : public IsaTest {};
WEIR_FOR_EACH_ISA(PageRowsTest);

TEST_P(PageRowsTest, HalvesRoundToNearestEven) {
  expect_nearest_even(DType::kF16, 0x7C00);
  Page page(DType::kF16);
  EXPECT_EQ(page.bits_of(65520.0f), 0x7C00);
  EXPECT_EQ(page.bits_of(std::nextafter(65520.0f, 0.0f)), 0x7BFF);
  EXPECT_EQ(page.bits_of(-1e30f), 0xFC00);
  EXPECT_EQ(page.bits_of(0x1p-25f), 0);
  EXPECT_EQ(page.bits_of(std::nextafter(0x1p-25f, 1.0f)), 1);
  EXPECT_EQ(page.value_of(0x7C00), kInfinity);
  EXPECT_TRUE(std::isnan(page.value_of(page.bits_of(std::nanf("")))));
  EXPECT_TRUE(std::isnan(page.value_of(page.bits_of(std::bit_cast<float>(0xFF800001)))));
}

TEST(PageRows, Bfloat16RoundsToNearestEven) {
  expect_nearest_even(DType::kBF16, 0x7F80);
  Page page(DType::kBF16);
  EXPECT_EQ(page.bits_of(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(page.bits_of(-kInfinity), 0xFF80);
  EXPECT_TRUE(std::isnan(page.value_of(page.bits_of(std::bit_cast<float>(0x7F800001)))));
}

}  // namespace
}  // namespace weir
