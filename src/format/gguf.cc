// Looking things up in a parsed file.
#include "format/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "format/byte_reader.h"

namespace weir {
namespace {

struct TypeInfo {
  std::string_view name;
  size_t bytes;
};
constexpr std::array<TypeInfo, kGgufTypes> kTypes = {{
    {"uint8", 1},
    {"int8", 1},
    {"uint16", 2},
    {"int16", 2},
    {"uint32", 4},
    {"int32", 4},
    {"float32", 4},
    {"bool", 1},
    {"string", 0},
    {"array", 0},
    {"uint64", 8},
    {"int64", 8},
    {"float64", 8},
}};

tl::unexpected<Error> wrong_type(const GgufEntry& entry, std::string_view expected) {
  return fail(Code::kCorrupt,
              fmt::format("{} is {}; {} is right", entry.key, describe(entry), expected));
}

// Calls use(value) with the value of an integer entry; false if it is of another type.
template <typename Use>
bool with_integer(const GgufEntry& entry, Use use) {
  const GgufArray& v = entry.values;
  switch (entry.type) {
    case GgufType::kUint8:
      return use(v.at<uint8_t>(0)), true;
    case GgufType::kInt8:
      return use(v.at<int8_t>(0)), true;
    case GgufType::kUint16:
      return use(v.at<uint16_t>(0)), true;
    case GgufType::kInt16:
      return use(v.at<int16_t>(0)), true;
    case GgufType::kUint32:
      return use(v.at<uint32_t>(0)), true;
    case GgufType::kInt32:
      return use(v.at<int32_t>(0)), true;
    case GgufType::kUint64:
      return use(v.at<uint64_t>(0)), true;
    case GgufType::kInt64:
      return use(v.at<int64_t>(0)), true;
    default:
      return false;
  }
}

std::string_view string_of(const GgufEntry& entry) {
  const auto text = entry.values.bytes.subspan(sizeof(uint64_t));
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

// What a file says is shown in errors: only printable bytes of it, and not too many.
std::string quoted(std::string_view text) {
  constexpr size_t kTextMax = 60;
  std::string out = "\"";
  for (const char c : text.substr(0, kTextMax))
    out += c >= 0x20 && c < 0x7f ? std::string(1, c)
                                 : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return out + (text.size() > kTextMax ? "...\"" : "\"");
}

template <typename T, typename Name>
const T* find_by_name(const std::vector<T>& items, const std::vector<uint32_t>& order,
                      std::string_view name, Name name_of) {
  const auto at =
      std::lower_bound(order.begin(), order.end(), name,
                       [&](uint32_t i, std::string_view n) { return name_of(items[i]) < n; });
  return at != order.end() && name_of(items[*at]) == name ? &items[*at] : nullptr;
}

// The value of a key that must be there.
template <typename T>
Result<T> required(Result<std::optional<T>> found, std::string_view key) {
  WEIR_ASSIGN(const std::optional<T> value, std::move(found));
  if (value) return *value;
  return fail(Code::kCorrupt, fmt::format("{} is missing from the metadata", key));
}

}  // namespace

std::string_view name(GgufType type) {
  return kTypes[static_cast<uint32_t>(type)].name;
}

size_t fixed_bytes(GgufType type) {
  return kTypes[static_cast<uint32_t>(type)].bytes;
}

std::vector<std::string_view> GgufArray::strings() const {
  std::vector<std::string_view> out;
  out.reserve(size);
  size_t at = 0;
  for (uint64_t i = 0; i < size; ++i) {
    uint64_t length;
    std::memcpy(&length, bytes.data() + at, sizeof(length));
    at += sizeof(length);
    out.emplace_back(reinterpret_cast<const char*>(bytes.data()) + at, length);
    at += length;
  }
  return out;
}

std::string describe(const GgufEntry& entry) {
  std::string text;
  if (with_integer(entry, [&](auto value) { text = fmt::format("{}", value); })) return text;
  switch (entry.type) {
    case GgufType::kFloat32:
      return fmt::format("{}", entry.values.at<float>(0));
    case GgufType::kFloat64:
      return fmt::format("{}", entry.values.at<double>(0));
    case GgufType::kBool:
      return entry.values.at<uint8_t>(0) != 0 ? "true" : "false";
    case GgufType::kString:
      return quoted(string_of(entry));
    default:
      return fmt::format("an array of {} {}", entry.values.size, name(entry.values.type));
  }
}

const GgufEntry* GgufFile::find_entry(std::string_view key) const {
  return find_by_name(entries_, entries_by_key_, key, [](const GgufEntry& e) { return e.key; });
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  return find_by_name(tensors_, tensors_by_name_, name, [](const GgufTensor& t) { return t.name; });
}

Result<std::optional<uint64_t>> GgufFile::find_unsigned(std::string_view key, uint64_t min,
                                                        uint64_t max) const {
  const GgufEntry* entry = find_entry(key);
  if (!entry) return std::nullopt;
  bool inside = false;
  uint64_t value = 0;
  const bool integer = with_integer(*entry, [&](auto v) {
    inside = std::cmp_greater_equal(v, min) && std::cmp_less_equal(v, max);
    value = static_cast<uint64_t>(v);
  });
  if (integer && inside) return value;
  return wrong_type(*entry, fmt::format("an integer from {} to {}", min, max));
}

Result<std::optional<double>> GgufFile::find_float(std::string_view key, double min,
                                                   double max) const {
  const GgufEntry* entry = find_entry(key);
  if (!entry) return std::nullopt;
  double value = std::nan("");
  if (entry->type == GgufType::kFloat32) value = entry->values.at<float>(0);
  if (entry->type == GgufType::kFloat64) value = entry->values.at<double>(0);
  if (value >= min && value <= max) return value;
  return wrong_type(*entry, fmt::format("a float from {} to {}", min, max));
}

Result<std::optional<bool>> GgufFile::find_bool(std::string_view key) const {
  const GgufEntry* entry = find_entry(key);
  if (!entry) return std::nullopt;
  if (entry->type != GgufType::kBool) return wrong_type(*entry, "a bool");
  return entry->values.at<uint8_t>(0) != 0;
}

Result<std::optional<std::string_view>> GgufFile::find_string(std::string_view key) const {
  const GgufEntry* entry = find_entry(key);
  if (!entry) return std::nullopt;
  if (entry->type != GgufType::kString) return wrong_type(*entry, "a string");
  return string_of(*entry);
}

Result<std::optional<GgufArray>> GgufFile::find_array(std::string_view key,
                                                      GgufType element) const {
  const GgufEntry* entry = find_entry(key);
  if (!entry) return std::nullopt;
  if (entry->type != GgufType::kArray || entry->values.type != element)
    return wrong_type(*entry, fmt::format("an array of {}", weir::name(element)));
  return entry->values;
}

Result<uint64_t> GgufFile::unsigned_at(std::string_view key, uint64_t min, uint64_t max) const {
  return required(find_unsigned(key, min, max), key);
}

Result<double> GgufFile::float_at(std::string_view key, double min, double max) const {
  return required(find_float(key, min, max), key);
}

Result<std::string_view> GgufFile::string_at(std::string_view key) const {
  return required(find_string(key), key);
}

Result<GgufArray> GgufFile::array_at(std::string_view key, GgufType element) const {
  return required(find_array(key, element), key);
}

}  // namespace weir
