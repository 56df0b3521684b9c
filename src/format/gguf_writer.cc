#include "format/gguf_writer.h"

namespace weir {
namespace {

template <typename T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void append_string(std::string& out, std::string_view text) {
  append<uint64_t>(out, text.size());
  out.append(text);
}

template <typename T>
std::string bytes_of(T value) {
  std::string out;
  append(out, value);
  return out;
}

// An array's value: the element type, the length, the elements.
template <typename T>
std::string array_of(GgufType type, std::span<const T> values) {
  std::string out = bytes_of(static_cast<uint32_t>(type));
  append<uint64_t>(out, values.size());
  for (const T& value : values) {
    if constexpr (std::is_same_v<T, std::string>)
      append_string(out, value);
    else
      append(out, value);
  }
  return out;
}

void pad(std::string& out, uint64_t alignment) {
  out.append((alignment - out.size() % alignment) % alignment, '\0');
}

}  // namespace

GgufWriter& GgufWriter::raw(std::string_view key, GgufType type, std::string_view value) {
  append_string(metadata_, key);
  append(metadata_, static_cast<uint32_t>(type));
  metadata_.append(value);
  ++entries_;
  return *this;
}

GgufWriter& GgufWriter::u32(std::string_view key, uint32_t value) {
  return raw(key, GgufType::kUint32, bytes_of(value));
}
GgufWriter& GgufWriter::f32(std::string_view key, float value) {
  return raw(key, GgufType::kFloat32, bytes_of(value));
}
GgufWriter& GgufWriter::boolean(std::string_view key, bool value) {
  return raw(key, GgufType::kBool, bytes_of(static_cast<uint8_t>(value)));
}
GgufWriter& GgufWriter::string(std::string_view key, std::string_view value) {
  std::string bytes;
  append_string(bytes, value);
  return raw(key, GgufType::kString, bytes);
}
GgufWriter& GgufWriter::strings(std::string_view key, std::span<const std::string> values) {
  return raw(key, GgufType::kArray, array_of(GgufType::kString, values));
}
GgufWriter& GgufWriter::f32s(std::string_view key, std::span<const float> values) {
  return raw(key, GgufType::kArray, array_of(GgufType::kFloat32, values));
}
GgufWriter& GgufWriter::i32s(std::string_view key, std::span<const int32_t> values) {
  return raw(key, GgufType::kArray, array_of(GgufType::kInt32, values));
}

GgufWriter& GgufWriter::tensor(std::string_view name, DType type, std::span<const uint64_t> shape,
                               std::string_view data) {
  pad(data_, alignment_);
  append_string(infos_, name);
  append(infos_, static_cast<uint32_t>(shape.size()));
  for (const uint64_t d : shape) append(infos_, d);
  append(infos_, static_cast<uint32_t>(type));
  append<uint64_t>(infos_, data_.size());
  data_.append(data);
  ++tensors_;
  return *this;
}

GgufWriter& GgufWriter::version(uint32_t version) {
  version_ = version;
  return *this;
}
GgufWriter& GgufWriter::alignment(uint64_t bytes) {
  alignment_ = bytes;
  return *this;
}

std::string GgufWriter::finish() const {
  std::string out = "GGUF";
  append(out, version_);
  append(out, tensors_);
  append(out, entries_);
  out += metadata_;
  out += infos_;
  pad(out, alignment_);
  out += data_;
  pad(out, alignment_);
  return out;
}

}  // namespace weir
