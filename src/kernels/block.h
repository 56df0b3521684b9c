// The blocks of GGUF's quantised formats, one struct a format with its `scale`s and a decoder of 32
// columns at a time into unsigned (Q8_0: signed) bytes, as GGML's source defines them.
#pragma once

#include <cstdint>
#include <cstring>

namespace weir {

// Nibbles: column j in the low half of byte j, column j + 16 in its high half.
inline void decode_nibbles(const uint8_t* nibble, uint8_t* to) {
  for (int j = 0; j < 16; ++j) {
    to[j] = nibble[j] & 15;
    to[j + 16] = nibble[j] >> 4;
  }
}

// Bit j of `high` is bit 4 of column j.
inline void add_fifth_bits(const uint8_t* high, uint8_t* to) {
  uint32_t bits;
  memcpy(&bits, high, 4);
  for (int j = 0; j < 32; ++j) to[j] |= static_cast<uint8_t>((bits >> j & 1) << 4);
}

struct BlockQ4_0 {
  uint16_t scale;
  uint8_t nibble[16];
  void decode(int, uint8_t* to) const { decode_nibbles(nibble, to); }
};

struct BlockQ4_1 {
  uint16_t scale, min;
  uint8_t nibble[16];
  void decode(int, uint8_t* to) const { decode_nibbles(nibble, to); }
};

struct BlockQ5_0 {
  uint16_t scale;
  uint8_t high[4];
  uint8_t nibble[16];
  void decode(int, uint8_t* to) const {
    decode_nibbles(nibble, to);
    add_fifth_bits(high, to);
  }
};

struct BlockQ5_1 {
  uint16_t scale, min;
  uint8_t high[4];
  uint8_t nibble[16];
  void decode(int, uint8_t* to) const {
    decode_nibbles(nibble, to);
    add_fifth_bits(high, to);
  }
};

struct BlockQ8_0 {
  uint16_t scale;
  uint8_t value[32];
  void decode(int, uint8_t* to) const { memcpy(to, value, 32); }
};

// Six bits of scale and of min for each of eight parts, in twelve bytes.
struct PartScales {
  uint8_t at[12];
  uint8_t scale(int part) const {
    if (part < 4) return at[part] & 63;
    return static_cast<uint8_t>((at[part + 4] & 15) | at[part - 4] >> 6 << 4);
  }
  uint8_t min(int part) const {
    if (part < 4) return at[part + 4] & 63;
    return static_cast<uint8_t>(at[part + 4] >> 4 | at[part] >> 6 << 4);
  }
};

// Two parts share 32 bytes: the even one has the low halves.
inline void decode_half(const uint8_t* nibble, int part, uint8_t* to) {
  for (int j = 0; j < 32; ++j)
    to[j] = static_cast<uint8_t>(nibble[part / 2 * 32 + j] >> part % 2 * 4 & 15);
}

struct BlockQ4_K {
  uint16_t scale, min;
  PartScales parts;
  uint8_t nibble[128];
  void decode(int part, uint8_t* to) const { decode_half(nibble, part, to); }
};

struct BlockQ5_K {
  uint16_t scale, min;
  PartScales parts;
  uint8_t high[32];  // Bit `part` of byte j is bit 4 of column j of the part.
  uint8_t nibble[128];
  void decode(int part, uint8_t* to) const {
    decode_half(nibble, part, to);
    for (int j = 0; j < 32; ++j) to[j] |= static_cast<uint8_t>((high[j] >> part & 1) << 4);
  }
};

// Each 128 columns are four parts: 0 and 2 in the halves of the first 32 nibble bytes, 1 and 3 in
// those of the second; `high` has two bits for each of the four.
struct BlockQ6_K {
  uint8_t nibble[128];
  uint8_t high[64];
  int8_t half_scale[16];
  uint16_t scale;
  void decode(int part, uint8_t* to) const {
    const int quarter = part % 4;
    const uint8_t* low = nibble + part / 4 * 64 + quarter % 2 * 32;
    const uint8_t* two = high + part / 4 * 32;
    for (int j = 0; j < 32; ++j)
      to[j] =
          static_cast<uint8_t>((low[j] >> quarter / 2 * 4 & 15) | (two[j] >> 2 * quarter & 3) << 4);
  }
};

}  // namespace weir
