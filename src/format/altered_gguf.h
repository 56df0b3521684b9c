// For tests: small GGUF files with one thing changed, and the way hostile bytes are tried.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "format/gguf_writer.h"
#include "format/model_file.h"

namespace weir {

// Bytes of exactly that size, aligned as a mapping is, so that a sanitizer sees any read past them.
class ExactBytes {
 public:
  explicit ExactBytes(std::string_view text) : size_(text.size()), data_(new std::byte[size_]) {
    if (size_ > 0) std::memcpy(data_.get(), text.data(), size_);
  }
  std::span<const std::byte> span() const { return {data_.get(), size_}; }

 private:
  size_t size_;
  std::unique_ptr<std::byte[]> data_;
};

// What reading the whole model says: nothing if it is taken.
inline std::optional<Error> refusal(std::string_view file) {
  const ExactBytes bytes(file);
  auto parsed = GgufFile::parse(bytes.span());
  if (!parsed) return parsed.error();
  const auto model = read_model(std::move(*parsed));
  if (!model) return model.error();
  return std::nullopt;
}

template <typename T>
std::string raw_bytes(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

// An entry as bytes of the file, as GgufWriter::raw() takes it.
inline std::string raw_value(const GgufEntry& entry) {
  std::string out;
  if (entry.type == GgufType::kArray)
    out = raw_bytes(static_cast<uint32_t>(entry.values.type)) + raw_bytes(entry.values.size);
  out.append(reinterpret_cast<const char*>(entry.values.bytes.data()), entry.values.bytes.size());
  return out;
}

// Writes a file again, so that a test can put other entries and tensors in place of some.
class Rewriter {
 public:
  explicit Rewriter(std::string_view file)
      : bytes_(file), file_(std::move(GgufFile::parse(bytes_.span())).value()) {}

  const GgufFile& file() const { return file_; }

  // The file with `key` of that type and value (added where it is not there), or without it.
  std::string with_entry(std::string_view key, GgufType type, std::string_view value) const {
    return entries(key, [&](GgufWriter& out) { out.raw(key, type, value); });
  }
  std::string without_entry(std::string_view key) const {
    return entries(key, [](GgufWriter&) {});
  }

  // The file with tensor `name` of that type and shape, its bytes zeros, or without it.
  std::string with_tensor(std::string_view name, DType type, std::vector<uint64_t> shape) const {
    size_t rows = 1;
    for (size_t d = 1; d < shape.size(); ++d) rows *= shape[d];
    const std::string data(rows * row_bytes(type, shape[0]), '\0');
    return tensors(name, [&](GgufWriter& out) { out.tensor(name, type, shape, data); });
  }
  std::string without_tensor(std::string_view name) const {
    return tensors(name, [](GgufWriter&) {});
  }

 private:
  template <typename Put>
  std::string entries(std::string_view key, Put put) const {
    GgufWriter out;
    for (const GgufEntry& e : file_.metadata())
      e.key == key ? put(out) : void(out.raw(e.key, e.type, raw_value(e)));
    if (!file_.find_entry(key)) put(out);
    for (const GgufTensor& t : file_.tensors()) copy(t, out);
    return out.finish();
  }
  template <typename Put>
  std::string tensors(std::string_view name, Put put) const {
    GgufWriter out;
    for (const GgufEntry& e : file_.metadata()) out.raw(e.key, e.type, raw_value(e));
    for (const GgufTensor& t : file_.tensors()) t.name == name ? put(out) : copy(t, out);
    if (!file_.find(name)) put(out);
    return out.finish();
  }
  static void copy(const GgufTensor& t, GgufWriter& out) {
    out.tensor(t.name, t.type, std::span(t.shape).first(t.dimensions),
               {reinterpret_cast<const char*>(t.view.data), t.view.bytes()});
  }

  ExactBytes bytes_;
  GgufFile file_;
};

}  // namespace weir
