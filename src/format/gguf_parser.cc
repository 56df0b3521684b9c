// GgufFile::parse: the bytes of a file to its entries and tensors.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "base/check.h"
#include "base/number.h"
#include "format/byte_reader.h"
#include "format/gguf.h"

namespace weir {
namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr size_t kKeyBytesMax = 65535, kTensorNameBytesMax = 64;
// The fewest bytes an entry and a tensor info can take: bounds for their counts.
constexpr uint64_t kEntryBytesMin = 8 + 1 + 4 + 1, kInfoBytesMin = 8 + 1 + 4 + 8 + 4 + 8;

tl::unexpected<Error> corrupt(std::string message) {
  return fail(Code::kCorrupt, std::move(message));
}

Status check_name(std::string_view name, size_t bytes_max, const std::string& field) {
  if (name.empty() || name.size() > bytes_max)
    return corrupt(
        fmt::format("{} has {} bytes; 1 to {} are right", field, name.size(), bytes_max));
  const auto bad =
      std::find_if(name.begin(), name.end(), [](char c) { return c < 0x21 || c > 0x7e; });
  if (bad == name.end()) return {};
  return corrupt(fmt::format("{} has byte 0x{:02x} at {}; printable ASCII is right", field,
                             static_cast<unsigned char>(*bad), bad - name.begin()));
}

Result<GgufType> check_type(uint32_t type, std::string_view field) {
  if (type < kGgufTypes) return static_cast<GgufType>(type);
  return corrupt(fmt::format("{} has type {}; 0 to {} are right", field, type, kGgufTypes - 1));
}

// Indices of `items` in the order of their names; an error where two are the same.
template <typename T, typename Name>
Result<std::vector<uint32_t>> sorted_by_name(const std::vector<T>& items, Name name_of,
                                             std::string_view what) {
  std::vector<uint32_t> order(items.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return name_of(items[a]) < name_of(items[b]); });
  const auto twice = std::adjacent_find(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return name_of(items[a]) == name_of(items[b]);
  });
  if (twice == order.end()) return order;
  return corrupt(fmt::format("{} {} is there twice", what, name_of(items[*twice])));
}

uint64_t aligned(uint64_t at, uint64_t alignment) {
  return ceil_div(at, alignment) * alignment;
}

}  // namespace

// One pass over the bytes, filling a GgufFile.
class GgufParser {
 public:
  GgufParser(std::span<const std::byte> bytes, GgufFile& file)
      : bytes_(bytes), in_(bytes), file_(file) {}

  Status run() {
    WEIR_TRY(read_header());
    file_.entries_.reserve(entries_);
    for (uint64_t i = 0; i < entries_; ++i) WEIR_TRY(read_entry(i));
    WEIR_ASSIGN(file_.entries_by_key_,
                sorted_by_name(
                    file_.entries_, [](const GgufEntry& e) { return e.key; }, "key"));
    WEIR_TRY(read_alignment());
    file_.tensors_.reserve(tensors_);
    for (uint64_t i = 0; i < tensors_; ++i) WEIR_TRY(read_info(i));
    WEIR_ASSIGN(file_.tensors_by_name_,
                sorted_by_name(
                    file_.tensors_, [](const GgufTensor& t) { return t.name; }, "tensor"));
    WEIR_TRY(find_data());
    return place_tensors();
  }

 private:
  Status read_header();
  Status read_entry(uint64_t i);
  Result<GgufArray> read_values(GgufType type, uint64_t size, const std::string& field);
  Status read_alignment();
  Status read_info(uint64_t i);
  Status read_shape(GgufTensor& tensor, const std::string& field);
  Status find_data();
  Status place_tensors();

  std::span<const std::byte> bytes_;
  ByteReader in_;
  GgufFile& file_;
  uint64_t entries_ = 0, tensors_ = 0;
};

Status GgufParser::read_header() {
  WEIR_ASSIGN(const uint32_t magic, in_.number<uint32_t>("the magic number"));
  if (magic != kMagic) return corrupt("the file does not begin with GGUF: it is no GGUF file");
  WEIR_ASSIGN(const uint32_t version, in_.number<uint32_t>("the version"));
  if (version != 0 && (version & 0xffff) == 0)
    return fail(Code::kInvalid, "the file is big-endian; weir reads little-endian GGUF files");
  if (version != 2 && version != 3)
    return fail(Code::kInvalid, fmt::format("the GGUF version is {}; weir reads 2 and 3", version));
  file_.version_ = version;
  WEIR_ASSIGN(tensors_, in_.number<uint64_t>("the tensor count"));
  WEIR_ASSIGN(entries_, in_.number<uint64_t>("the metadata count"));
  const auto check = [&](uint64_t count, uint64_t most, uint64_t bytes_min,
                         const char* what) -> Status {
    if (count <= std::min<uint64_t>(most, in_.left() / bytes_min)) return {};
    return corrupt(fmt::format("the {} count is {}; at most {} are taken, and {} bytes follow",
                               what, count, most, in_.left()));
  };
  WEIR_TRY(check(entries_, GgufFile::kEntriesMax, kEntryBytesMin, "metadata"));
  return check(tensors_, GgufFile::kTensorsMax, kInfoBytesMin, "tensor");
}

Status GgufParser::read_entry(uint64_t i) {
  const std::string place = fmt::format("the key of metadata entry {}", i);
  WEIR_ASSIGN(const std::string_view key, in_.string(place));
  WEIR_TRY(check_name(key, kKeyBytesMax, place));
  const std::string field(key);
  WEIR_ASSIGN(const uint32_t raw_type, in_.number<uint32_t>(field));
  WEIR_ASSIGN(const GgufType type, check_type(raw_type, field));
  GgufEntry entry{key, type, {}};
  GgufType element = type;
  uint64_t size = 1;
  if (type == GgufType::kArray) {
    WEIR_ASSIGN(const uint32_t raw_element, in_.number<uint32_t>(field));
    WEIR_ASSIGN(element, check_type(raw_element, "an element of " + field));
    WEIR_ASSIGN(size, in_.number<uint64_t>(field));
    if (element == GgufType::kArray)
      return fail(Code::kInvalid, field + " is an array of arrays; weir reads arrays of scalars");
  }
  WEIR_ASSIGN(entry.values, read_values(element, size, field));
  file_.entries_.push_back(entry);
  return {};
}

Result<GgufArray> GgufParser::read_values(GgufType type, uint64_t size, const std::string& field) {
  const bool strings = type == GgufType::kString;
  const uint64_t least = strings ? 8 : fixed_bytes(type);
  if (size > in_.left() / least)
    return corrupt(fmt::format("{} has {} elements of {}, but only {} bytes follow", field, size,
                               name(type), in_.left()));
  const size_t start = in_.position();
  if (strings)
    for (uint64_t i = 0; i < size; ++i) WEIR_TRY(in_.string(field));
  else
    WEIR_TRY(in_.take(size * least, field));
  const GgufArray values{type, size, bytes_.subspan(start, in_.position() - start)};
  if (type == GgufType::kBool)
    for (const std::byte b : values.bytes)
      if (b > std::byte{1})
        return corrupt(
            fmt::format("{} holds byte {}; a bool is 0 or 1", field, std::to_integer<int>(b)));
  return values;
}

Status GgufParser::read_alignment() {
  constexpr std::string_view kKey = "general.alignment";
  WEIR_ASSIGN(const auto alignment,
              file_.find_unsigned(kKey, GgufFile::kAlignmentMin, GgufFile::kAlignmentMax));
  file_.alignment_ = alignment.value_or(32);
  if (std::has_single_bit(file_.alignment_)) return {};
  return corrupt(fmt::format("{} is {}; a power of two is right", kKey, file_.alignment_));
}

Status GgufParser::read_info(uint64_t i) {
  const std::string place = fmt::format("the name of tensor {}", i);
  GgufTensor tensor;
  WEIR_ASSIGN(tensor.name, in_.string(place));
  WEIR_TRY(check_name(tensor.name, kTensorNameBytesMax, place));
  const std::string field = fmt::format("tensor {}", tensor.name);
  WEIR_TRY(read_shape(tensor, field));
  WEIR_ASSIGN(tensor.offset, in_.number<uint64_t>(field));
  file_.tensors_.push_back(tensor);
  return {};
}

Status GgufParser::read_shape(GgufTensor& tensor, const std::string& field) {
  WEIR_ASSIGN(tensor.dimensions, in_.number<uint32_t>(field));
  if (tensor.dimensions < 1 || tensor.dimensions > 4)
    return corrupt(fmt::format("{} has {} dimensions; 1 to 4 are right", field, tensor.dimensions));
  for (uint32_t d = 0; d < tensor.dimensions; ++d) {
    WEIR_ASSIGN(tensor.shape[d], in_.number<uint64_t>(field));
    if (tensor.shape[d] == 0)
      return corrupt(fmt::format("{} has dimension {} of size 0", field, d));
  }
  WEIR_ASSIGN(const uint32_t raw_type, in_.number<uint32_t>(field));
  const auto type = find_dtype(raw_type);
  if (!type)
    return fail(Code::kInvalid,
                fmt::format("{} has type {}, which weir cannot read", field, raw_type));
  if (tensor.shape[0] % type->block_elements != 0)
    return corrupt(fmt::format("{} has rows of {} elements; {} takes multiples of {}", field,
                               tensor.shape[0], type->name, type->block_elements));
  auto rows = checked_mul(tensor.shape[1], tensor.shape[2]);
  if (rows) rows = checked_mul(*rows, tensor.shape[3]);
  const auto row = checked_mul<uint64_t>(tensor.shape[0] / type->block_elements, type->block_bytes);
  const auto size = rows && row ? checked_mul(*rows, *row) : std::nullopt;
  if (!size || *size > bytes_.size())
    return corrupt(fmt::format("{} is {}x{}x{}x{} of {}, larger than the file of {} bytes", field,
                               tensor.shape[0], tensor.shape[1], tensor.shape[2], tensor.shape[3],
                               type->name, bytes_.size()));
  tensor.type = type->type;
  tensor.view = {nullptr, type->type, *rows, tensor.shape[0]};
  return {};
}

// The data section begins at the next aligned offset; a file without tensors may end before it.
Status GgufParser::find_data() {
  const size_t end = in_.position();
  const uint64_t start = aligned(end, file_.alignment_);
  file_.header_ = bytes_.first(end);
  if (start <= bytes_.size()) {
    file_.data_ = bytes_.subspan(start);
    return {};
  }
  if (tensors_ == 0 && end == bytes_.size()) return {};
  return corrupt(fmt::format("the data section begins at byte {}, past the file's {} bytes", start,
                             bytes_.size()));
}

// Each tensor stands where the one before it ends, rounded up; the last may be padded or not.
Status GgufParser::place_tensors() {
  std::vector<GgufTensor*> by_offset;
  for (GgufTensor& t : file_.tensors_) by_offset.push_back(&t);
  std::sort(by_offset.begin(), by_offset.end(),
            [](const GgufTensor* a, const GgufTensor* b) { return a->offset < b->offset; });
  const uint64_t size = file_.data_.size();
  uint64_t end = 0;
  for (GgufTensor* t : by_offset) {
    const uint64_t start = aligned(end, file_.alignment_);
    if (t->offset != start)
      return corrupt(
          fmt::format("tensor {} is at offset {} of the data; {} is right, after the "
                      "tensor before it at multiples of {}",
                      t->name, t->offset, start, file_.alignment_));
    const uint64_t bytes = t->view.bytes();
    if (start > size || bytes > size - start)
      return corrupt(fmt::format("tensor {} takes {} bytes at offset {} of the data, which has {}",
                                 t->name, bytes, start, size));
    t->view.data = file_.data_.data() + start;
    end = start + bytes;
  }
  if (size == end || size == aligned(end, file_.alignment_)) return {};
  return corrupt(
      fmt::format("the data section has {} bytes, but its tensors end at {}", size, end));
}

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes) {
  WEIR_CHECK(reinterpret_cast<uintptr_t>(bytes.data()) % 8 == 0, "bytes of a GGUF file");
  GgufFile file;
  WEIR_TRY(GgufParser(bytes, file).run());
  return file;
}

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
  WEIR_ASSIGN(MappedFile mapping, MappedFile::open(path));
  WEIR_ASSIGN(GgufFile file, parse(mapping.bytes()));
  file.mapping_ = std::move(mapping);
  return file;
}

}  // namespace weir
