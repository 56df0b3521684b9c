// For tests: weights of every format, ordinary and extreme, and what each element is by the
// format's definition, written element by element and apart from the engine's own decoders.
#pragma once

#include <array>
#include <bit>
#include <cstring>
#include <random>
#include <vector>

#include "tensor/tensor.h"

namespace weir {

inline constexpr std::array kAllTypes = {DType::kF32,  DType::kF16,  DType::kBF16, DType::kQ4_0,
                                         DType::kQ4_1, DType::kQ5_0, DType::kQ5_1, DType::kQ8_0,
                                         DType::kQ4_K, DType::kQ5_K, DType::kQ6_K};

inline float plain_half(const uint8_t* at) {
  _Float16 half;
  memcpy(&half, at, 2);
  return static_cast<float>(half);
}

// What the bits and scales of a sample are.
enum class Sample { kOrdinary, kAllOnes, kAllZeros, kZeroScale, kHugeScale, kSubnormalScale };
inline constexpr std::array kAllSamples = {Sample::kOrdinary,  Sample::kAllOnes,
                                           Sample::kAllZeros,  Sample::kZeroScale,
                                           Sample::kHugeScale, Sample::kSubnormalScale};

class WeightSamples {
 public:
  WeightSamples(DType type, size_t rows, size_t columns, uint32_t seed,
                Sample sample = Sample::kOrdinary)
      : bytes_(rows * row_bytes(type, columns)), random_(seed) {
    tensor_ = {reinterpret_cast<const std::byte*>(bytes_.data()), type, rows, columns};
    if (info(type).block_elements == 1)
      fill_floats();
    else
      fill_blocks(sample);
  }

  const Tensor& tensor() const { return tensor_; }

  // The element as a real number; exact.
  double at(size_t row, size_t column) const {
    const DTypeInfo& type = info(tensor_.type);
    const auto* block = reinterpret_cast<const uint8_t*>(tensor_.row(row)) +
                        column / type.block_elements * type.block_bytes;
    return element(block, static_cast<int>(column % type.block_elements));
  }

 private:
  void fill_floats() {
    std::normal_distribution<float> normal(0, 0.05f);
    const size_t size = info(tensor_.type).block_bytes;
    for (size_t i = 0; i < bytes_.size(); i += size) {
      const float value = normal(random_);
      const auto half = static_cast<_Float16>(value);
      if (size == 4)
        memcpy(&bytes_[i], &value, 4);
      else if (tensor_.type == DType::kF16)
        memcpy(&bytes_[i], &half, 2);
      else
        memcpy(&bytes_[i], reinterpret_cast<const char*>(&value) + 2, 2);
    }
  }

  void fill_blocks(Sample sample) {
    for (uint8_t& b : bytes_) {
      b = static_cast<uint8_t>(random_());
      if (sample == Sample::kAllOnes) b = 0xFF;
      if (sample == Sample::kAllZeros) b = 0;
    }
    const size_t block = info(tensor_.type).block_bytes;
    const bool has_min = tensor_.type == DType::kQ4_1 || tensor_.type == DType::kQ5_1 ||
                         tensor_.type == DType::kQ4_K || tensor_.type == DType::kQ5_K;
    const size_t first = tensor_.type == DType::kQ6_K ? 208 : 0;
    for (size_t i = 0; i < bytes_.size(); i += block) {
      set_scale(&bytes_[i + first], sample);
      if (has_min) set_scale(&bytes_[i + first + 2], sample);
    }
  }

  void set_scale(uint8_t* at, Sample sample) {
    std::uniform_real_distribution<float> ordinary(-0.02f, 0.02f);
    auto half = static_cast<_Float16>(ordinary(random_));
    if (sample == Sample::kZeroScale) half = 0;
    if (sample == Sample::kHugeScale) half = static_cast<_Float16>(random_() % 2 ? 65504 : -65504);
    memcpy(at, &half, 2);
    const auto subnormal = static_cast<uint16_t>(random_() % 1024 | (random_() % 2 << 15));
    if (sample == Sample::kSubnormalScale) memcpy(at, &subnormal, 2);
  }

  static int nibble(const uint8_t* bytes, int c) {
    return c < 16 ? bytes[c] % 16 : bytes[c - 16] / 16;
  }
  static int bit(const uint8_t* bytes, int i) { return bytes[i / 8] >> i % 8 & 1; }

  double element(const uint8_t* b, int c) const {
    const double scale = plain_half(b);
    switch (tensor_.type) {
      case DType::kF32: {
        float value;
        memcpy(&value, b, 4);
        return value;
      }
      case DType::kF16:
        return scale;
      case DType::kBF16:
        return std::bit_cast<float>((b[0] + 256u * b[1]) << 16);
      case DType::kQ4_0:
        return scale * (nibble(b + 2, c) - 8);
      case DType::kQ4_1:
        return scale * nibble(b + 4, c) + plain_half(b + 2);
      case DType::kQ5_0:
        return scale * (nibble(b + 6, c) + 16 * bit(b + 2, c) - 16);
      case DType::kQ5_1:
        return scale * (nibble(b + 8, c) + 16 * bit(b + 4, c)) + plain_half(b + 2);
      case DType::kQ8_0:
        return scale * static_cast<int8_t>(b[2 + c]);
      case DType::kQ4_K:
        return super(b, c, b[16 + c / 64 * 32 + c % 32] >> c / 32 % 2 * 4 & 15);
      case DType::kQ5_K:
        return super(b, c,
                     (b[48 + c / 64 * 32 + c % 32] >> c / 32 % 2 * 4 & 15) +
                         16 * (b[16 + c % 32] >> c / 32 & 1));
      case DType::kQ6_K:
        return six(b, c);
    }
    return 0;
  }

  // Scale and min of 32 columns: six bits each, the last four pairs split into four and two.
  static double super(const uint8_t* b, int c, int value) {
    const uint8_t* s = b + 4;
    const int part = c / 32;
    const int scale = part < 4 ? s[part] % 64 : s[part + 4] % 16 + s[part - 4] / 64 * 16;
    const int min = part < 4 ? s[part + 4] % 64 : s[part + 4] / 16 + s[part] / 64 * 16;
    return double{plain_half(b)} * scale * value - double{plain_half(b + 2)} * min;
  }

  static double six(const uint8_t* b, int c) {
    const int half = c / 128, in = c % 128;
    const int low = b[half * 64 + in % 64] >> in / 64 * 4 & 15;
    const int high = b[128 + half * 32 + in % 32] >> in / 32 * 2 & 3;
    const int scale = static_cast<int8_t>(b[192 + c / 16]);
    return double{plain_half(b + 208)} * scale * (low + 16 * high - 32);
  }

  std::vector<uint8_t> bytes_;
  std::mt19937 random_;
  Tensor tensor_;
};

}  // namespace weir
