#include "tensor/tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;

size_t rounded(size_t bytes, size_t unit = 4096) {
  return (bytes + unit - 1) / unit * unit;
}

// Fresh zeros at a multiple of `alignment`, which is one of the system's pages.
std::byte* map(size_t bytes, size_t alignment) {
  const size_t more = bytes + alignment - 4096;
  void* got = mmap(nullptr, more, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  WEIR_CHECK(got != MAP_FAILED, "mapping {} bytes", bytes);
  auto* at = static_cast<std::byte*>(got);
  const size_t before =
      rounded(reinterpret_cast<uintptr_t>(at), alignment) - reinterpret_cast<uintptr_t>(at);
  const size_t after = more - before - bytes;
  if (before) munmap(at, before);
  if (after) munmap(at + before + bytes, after);
  return at + before;
}

}  // namespace

std::span<const float> Tensor::floats() const {
  WEIR_CHECK(type == DType::kF32, "tensor of {}", info(type).name);
  return {reinterpret_cast<const float*>(data), rows * columns};
}

Buffer::Buffer(size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  const bool huge = bytes >= kHugePage;
  data_ = map(rounded(bytes), huge ? kHugePage : 4096);
  if (huge) madvise(data_, rounded(bytes), MADV_HUGEPAGE);
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

std::byte* Arena::take(size_t bytes) {
  constexpr size_t kRegion = size_t{64} << 20, kLine = 64;  // What is not used is not committed.
  if (regions_.empty() || regions_.back().size() < used_ + bytes) {
    regions_.emplace_back(rounded(std::max(bytes, kRegion), kHugePage));
    used_ = 0;
  }
  std::byte* at = regions_.back().data() + used_;
  used_ += rounded(bytes, kLine);
  return at;
}

}  // namespace weir
