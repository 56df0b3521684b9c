#include "tensor/tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

size_t rounded(size_t bytes) {
  return (bytes + 4095) / 4096 * 4096;
}

}  // namespace

std::span<const float> Tensor::floats() const {
  WEIR_CHECK(type == DType::kF32, "tensor of {}", info(type).name);
  return {reinterpret_cast<const float*>(data), rows * columns};
}

Buffer::Buffer(size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  void* at =
      mmap(nullptr, rounded(bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  WEIR_CHECK(at != MAP_FAILED, "mapping {} bytes", bytes);
  if (bytes >= kHugePage) madvise(at, rounded(bytes), MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(at);
}

Buffer::Buffer(Buffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Buffer::~Buffer() {
  if (data_) munmap(data_, rounded(size_));
}

}  // namespace weir
