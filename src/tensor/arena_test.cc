#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "tensor/tensor.h"

namespace weir {
namespace {

constexpr size_t kMiB = size_t{1} << 20;

TEST(Arena, PiecesAreZeroedAlignedAndApart) {
  Arena arena;
  std::byte *before = nullptr, *end = nullptr;
  for (const size_t bytes : {size_t{1}, size_t{63}, size_t{64}, size_t{65}, 3 * kMiB}) {
    std::byte* at = arena.take(bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(at) % 64, 0u);
    EXPECT_TRUE(!before || at >= end);
    for (size_t i = 0; i < bytes; i += 4096) ASSERT_EQ(at[i], std::byte{0});
    for (size_t i = 0; i < bytes; ++i) at[i] = std::byte{255};
    before = at, end = at + bytes;
  }
}

TEST(Arena, RegionsBeginAtHugePages) {
  Arena arena;
  for (const size_t bytes : {70 * kMiB, 60 * kMiB, 5 * kMiB})
    EXPECT_EQ(reinterpret_cast<uintptr_t>(arena.take(bytes)) % (2 * kMiB), 0u);
}

TEST(Arena, PiecesStayWhereTheyAreWhenItMoves) {
  Arena first;
  std::byte* at = first.take(100);
  at[99] = std::byte{7};
  const Arena second = std::move(first);
  EXPECT_EQ(at[99], std::byte{7});
}

}  // namespace
}  // namespace weir
