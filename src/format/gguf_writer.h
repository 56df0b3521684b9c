// Writes small GGUF files, for tests of every folder: tiny models, and files with one thing wrong.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/gguf.h"

namespace weir {

// Entries and tensors are written in the order of the calls; nothing is checked. Each call returns
// the writer.
class GgufWriter {
 public:
  GgufWriter& u32(std::string_view key, uint32_t value);
  GgufWriter& f32(std::string_view key, float value);
  GgufWriter& boolean(std::string_view key, bool value);
  GgufWriter& string(std::string_view key, std::string_view value);
  GgufWriter& strings(std::string_view key, std::span<const std::string> values);
  GgufWriter& f32s(std::string_view key, std::span<const float> values);
  GgufWriter& i32s(std::string_view key, std::span<const int32_t> values);
  // An entry whose value is given as bytes of the file.
  GgufWriter& raw(std::string_view key, GgufType type, std::string_view value);

  // `shape` as in the file, the fastest dimension first; `data` its bytes.
  GgufWriter& tensor(std::string_view name, DType type, std::span<const uint64_t> shape,
                     std::string_view data);

  // Sets what stands in the header; also say u32("general.alignment", ...) for other alignments.
  GgufWriter& version(uint32_t version);
  GgufWriter& alignment(uint64_t bytes);

  // The file, with its last tensor padded.
  std::string finish() const;

 private:
  uint32_t version_ = 3;
  uint64_t alignment_ = 32;
  uint64_t entries_ = 0, tensors_ = 0;
  std::string metadata_, infos_, data_;
};

}  // namespace weir
