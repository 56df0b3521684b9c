// Loops that do nothing but what limits a kernel. See limits.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::WEIR_ISA_NAMESPACE {

// Independent chains: enough to hide every latency, few enough for the registers.
inline constexpr int kChains = kRowsAtOnce + 2;
inline constexpr size_t kByteMacsARound = 64 * kChains, kFloatMacsARound = 16 * kChains;

inline void multiply_bytes(size_t rounds) {
  alignas(64) uint8_t weights[64] = {1, 2, 3, 4};
  int8_t x[4] = {1, -2, 3, -4};
  const Bytes w = load(weights);
  Products sums[kChains];
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) sums[i] = products<4>(w, x);
  for (size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) {
      asm volatile("" : "+m"(x));  // Or the products would be made once for all.
      sums[i] = add_products<4>(sums[i], w, x);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) {
    int32_t lanes[16];
    store(lanes, whole(sums[i]));
    asm volatile("" : : "m"(lanes));
  }
}

inline void multiply_floats(size_t rounds) {
  float x = 0.5f;
  Floats sums[kChains];
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) sums[i] = broadcast(static_cast<float>(i));
  for (size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < kChains; ++i) {
      asm volatile("" : "+m"(x));
      const Floats a = broadcast(x);
      sums[i] = fma(sums[i], a, a);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kChains; ++i) {
    float lanes[16];
    store(lanes, sums[i]);
    asm volatile("" : : "m"(lanes));
  }
}

// REQUIRES a multiple of 256 bytes.
inline void read_bytes(const std::byte* from, size_t bytes) {
  const auto* at = reinterpret_cast<const int32_t*>(from);
  Ints sums[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) sums[i] = broadcast(int32_t{0});
  for (const auto* end = at + bytes / sizeof(*at); at < end; at += 64) {
    prefetch(at + 640);
    prefetch(at + 656);
    prefetch(at + 672);
    prefetch(at + 688);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) sums[i] = bit_or(sums[i], load(at + 16 * i));
  }
  int32_t lanes[16];
  store(lanes, bit_or(bit_or(sums[0], sums[1]), bit_or(sums[2], sums[3])));
  asm volatile("" : : "m"(lanes));
}

}  // namespace weir::WEIR_ISA_NAMESPACE
