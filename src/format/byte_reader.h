// Reads little-endian fields from bytes of which nothing is known.
#pragma once

#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "weir/status.h"

namespace weir {

static_assert(std::endian::native == std::endian::little, "fields are read as they lie in memory");

// Every read names the field, so that an error can. A failed read moves nothing.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t left() const { return bytes_.size() - position_; }

  template <typename T>
  Result<T> number(std::string_view field) {
    WEIR_ASSIGN(const auto raw, take(sizeof(T), field));
    T value;
    std::memcpy(&value, raw.data(), sizeof(T));
    return value;
  }

  Result<std::span<const std::byte>> take(uint64_t size, std::string_view field) {
    if (size > left())
      return fail(Code::kCorrupt, fmt::format("{} takes {} bytes, but the file has only {} after "
                                              "byte {}",
                                              field, size, left(), position_));
    const auto taken = bytes_.subspan(position_, size);
    position_ += size;
    return taken;
  }

  // A string: its length in 8 bytes, then so many bytes.
  Result<std::string_view> string(std::string_view field) {
    WEIR_ASSIGN(const uint64_t size, number<uint64_t>(field));
    WEIR_ASSIGN(const auto raw, take(size, field));
    return std::string_view(reinterpret_cast<const char*>(raw.data()), raw.size());
  }

 private:
  std::span<const std::byte> bytes_;
  size_t position_ = 0;
};

}  // namespace weir
