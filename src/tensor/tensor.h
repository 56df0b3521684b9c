// Tensor is a view, Buffer owns. Shapes are written rows first, the fastest dimension last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tensor/dtype.h"

namespace weir {

// A view of a matrix stored row by row without gaps; a vector has one row. Owns nothing: whoever
// made it keeps the bytes alive (a mapped model file, usually).
struct Tensor {
  const std::byte* data = nullptr;
  DType type = DType::kF32;
  size_t rows = 0;     // Outputs, for a weight.
  size_t columns = 0;  // Inputs, for a weight.

  bool empty() const { return data == nullptr; }
  size_t bytes() const { return rows * row_bytes(type, columns); }
  const std::byte* row(size_t i) const { return data + i * row_bytes(type, columns); }
  std::span<const float> floats() const;  // REQUIRES type F32.
};

// Owns zeroed memory, aligned to 64 bytes, or to 2 MiB pages that the kernel is asked for where it
// is large. Movable, not copyable.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t bytes);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  template <typename T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Memory for many matrices side by side, in 2 MiB pages where the system gives them: one by one
// most would be too small for such a page. Zeroed, given back all at once.
class Arena {
 public:
  // Aligned to 64 bytes; lives as long as the arena, wherever that is moved to.
  std::byte* take(size_t bytes);

 private:
  std::vector<Buffer> regions_;
  size_t used_ = 0;  // Of the last region.
};

}  // namespace weir
