// Model files in GGUF, versions 2 and 3, little-endian, as ggml's docs/gguf.md defines them.
//
//   magic, version, tensor count, entry count | entries | tensor infos | pad | tensor data
//
// A file is hostile until proven otherwise. parse() takes a file whole or not at all: every length
// is checked against the bytes that are left before it is used, and tensors must cover the data
// section exactly, each at the first aligned offset after the one before.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "tensor/tensor.h"
#include "weir/status.h"

namespace weir {

// Types of metadata values; the numbers are the file's.
enum class GgufType : uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};
inline constexpr uint32_t kGgufTypes = 13;

std::string_view name(GgufType type);
// Bytes of a number or bool; 0 for strings and arrays.
size_t fixed_bytes(GgufType type);

// Elements of one type, a view into the file. Never an array of arrays.
struct GgufArray {
  GgufType type = GgufType::kUint8;
  uint64_t size = 0;
  std::span<const std::byte> bytes;

  // Element i of numbers and bools. REQUIRES sizeof(T) == fixed_bytes(type) and i < size.
  template <typename T>
  T at(uint64_t i) const {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    return value;
  }
  // REQUIRES type kString. One walk over the bytes.
  std::vector<std::string_view> strings() const;
};

// One entry of the metadata, a view into the file. A scalar is kept as an array of one element.
struct GgufEntry {
  std::string_view key;
  GgufType type = GgufType::kUint8;
  GgufArray values;
};

// The entry's value for people: "30", "\"llama\"", "49152 of string". Long strings are cut.
std::string describe(const GgufEntry& entry);

struct GgufTensor {
  std::string_view name;
  DType type = DType::kF32;
  uint32_t dimensions = 1;                    // 1..4
  std::array<uint64_t, 4> shape{1, 1, 1, 1};  // As in the file: the fastest first.
  uint64_t offset = 0;                        // From the start of the data section.
  Tensor view;                                // rows = shape[1] * shape[2] * shape[3].
};

// A parsed file. Movable; views stay valid while it (for parse(): the bytes) lives. Immutable, so
// every method may be called from any thread.
class GgufFile {
 public:
  static constexpr uint64_t kEntriesMax = 1 << 16;
  static constexpr uint64_t kTensorsMax = 1 << 16;
  static constexpr uint64_t kAlignmentMin = 8, kAlignmentMax = 1 << 16;

  // Maps the file. kNotFound, kIo, or as parse().
  static Result<GgufFile> open(const std::filesystem::path& path);
  // kCorrupt names the field; kInvalid: a version, byte order or tensor type that weir lacks.
  // Borrows the bytes. REQUIRES them to be aligned to 8 bytes.
  static Result<GgufFile> parse(std::span<const std::byte> bytes);

  uint32_t version() const { return version_; }
  uint64_t alignment() const { return alignment_; }
  std::span<const GgufEntry> metadata() const { return entries_; }  // In the file's order.
  std::span<const GgufTensor> tensors() const { return tensors_; }  // In the file's order.
  std::span<const std::byte> header() const { return header_; }     // All before the data section.
  std::span<const std::byte> data() const { return data_; }         // The data section.

  // Lets go of a tensor's pages in memory: whoever has laid it out elsewhere needs them no more.
  void forget(const Tensor& t) const { mapping_.forget({t.data, t.bytes()}); }

  // Null if the file has none of that name.
  const GgufEntry* find_entry(std::string_view key) const;
  const GgufTensor* find(std::string_view name) const;

  // Typed values: nullopt where the key is absent; kCorrupt, naming the key, the type found and
  // what is expected, where its value is of another type or outside [min, max]. Integers of every
  // width are taken; floats are finite and may be either width.
  Result<std::optional<uint64_t>> find_unsigned(std::string_view key, uint64_t min,
                                                uint64_t max) const;
  Result<std::optional<double>> find_float(std::string_view key, double min, double max) const;
  Result<std::optional<bool>> find_bool(std::string_view key) const;
  Result<std::optional<std::string_view>> find_string(std::string_view key) const;
  Result<std::optional<GgufArray>> find_array(std::string_view key, GgufType element) const;

  // The same of keys that must be there: kCorrupt where they are not.
  Result<uint64_t> unsigned_at(std::string_view key, uint64_t min, uint64_t max) const;
  Result<double> float_at(std::string_view key, double min, double max) const;
  Result<std::string_view> string_at(std::string_view key) const;
  Result<GgufArray> array_at(std::string_view key, GgufType element) const;

 private:
  friend class GgufParser;

  MappedFile mapping_;  // Empty where the bytes are borrowed.
  uint32_t version_ = 0;
  uint64_t alignment_ = 32;
  std::span<const std::byte> header_, data_;
  std::vector<GgufEntry> entries_;
  std::vector<GgufTensor> tensors_;
  std::vector<uint32_t> entries_by_key_, tensors_by_name_;  // Indices, sorted.
};

}  // namespace weir
