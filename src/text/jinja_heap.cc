#include "text/jinja_heap.h"

#include <fmt/format.h>

#include "text/jinja_ops.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

constexpr std::size_t kTextCost = 96;    // The block, its count, and the allocator's share.
constexpr std::size_t kObjectCost = 64;  // The same for a list or a dict.
constexpr std::size_t kEntryCost = 160;  // A dict's entry with its place.

}  // namespace

Heap::Heap() : used_(std::make_shared<std::size_t>(0)) {}

Status Heap::spend(std::uint64_t steps) {
  steps_ += steps;
  if (steps_ <= kMaxSteps) return {};
  return fail(Code::kInvalid, fmt::format("the template takes more than {} steps", kMaxSteps));
}

Status Heap::room(std::size_t bytes) const {
  if (*used_ <= kMaxValueBytes && bytes <= kMaxValueBytes - *used_) return {};
  return fail(Code::kInvalid,
              fmt::format("the template's values take more than {} bytes", kMaxValueBytes));
}

Status Heap::charge(std::size_t bytes) {
  WEIR_TRY(room(bytes));
  *used_ += bytes;
  return {};
}

Result<Value> Heap::text(std::string chars) {
  const std::size_t bytes = chars.capacity() + kTextCost;
  WEIR_TRY(room(bytes));
  WEIR_TRY(spend_bytes(chars.size()));
  return Value(TextPtr(std::make_shared<Text>(std::move(chars), used_, bytes)));
}

Result<Value> Heap::list(std::vector<Value> items) {
  const std::size_t bytes = kObjectCost + items.capacity() * sizeof(Value);
  WEIR_TRY(spend(1 + items.size()));
  WEIR_ASSIGN(Object * object, make<Sequence>(bytes, std::move(items), false));
  return Value(object);
}

Result<Value> Heap::tuple(std::vector<Value> items) {
  const std::size_t bytes = kObjectCost + items.capacity() * sizeof(Value);
  WEIR_TRY(spend(1 + items.size()));
  WEIR_ASSIGN(Object * object, make<Sequence>(bytes, std::move(items), true));
  return Value(object);
}

Result<Value> Heap::generator(std::vector<Value> items) {
  const std::size_t bytes = kObjectCost + items.capacity() * sizeof(Value);
  WEIR_TRY(spend(1 + items.size()));
  WEIR_ASSIGN(Object * object, make<Generator>(bytes, std::move(items)));
  return Value(object);
}

Result<Dict*> Heap::dict() {
  return make<Dict>(2 * kObjectCost);
}

Status Heap::put(Dict& dict, const Value& key, Value value) {
  WEIR_ASSIGN(const std::string hash, hash_key(key));
  WEIR_TRY(spend_bytes(hash.size()));
  WEIR_TRY(charge(kEntryCost + hash.size()));
  dict.put_hashed(hash, key, std::move(value));
  return {};
}

Result<const Value*> Heap::find(const Dict& dict, const Value& key) {
  WEIR_ASSIGN(const std::string hash, hash_key(key));
  WEIR_TRY(spend_bytes(hash.size()));
  return dict.find_hashed(hash);
}

Status Heap::put(Dict& dict, std::string_view key, Value value) {
  WEIR_ASSIGN(const Value text_key, text(std::string(key)));
  return put(dict, text_key, std::move(value));
}

Value Heap::undefined(std::string why) {
  // Charged without asking, as it cannot fail; whatever is made next finds out.
  const std::size_t bytes = why.capacity() + kTextCost;
  return Value(Undefined{std::make_shared<Text>(std::move(why), used_, bytes)});
}

Status TextBuilder::add(std::string_view chars) {
  // A string may double as it grows.
  if (chars_.size() + chars.size() > chars_.capacity()) {
    WEIR_TRY(heap_.room(2 * (chars_.size() + chars.size())));
  }
  WEIR_TRY(heap_.spend_bytes(chars.size()));
  chars_ += chars;
  return {};
}

Status DepthGuard::check() const {
  if (runtime_.depth <= kMaxEvalDepth) return {};
  return fail(Code::kInvalid,
              fmt::format("the template nests or calls itself more than {} deep", kMaxEvalDepth));
}

Result<std::vector<Value>> iterate_text(Runtime& runtime, const std::string& text) {
  std::vector<Value> items;
  WEIR_TRY(runtime.heap.room(text.size() * (sizeof(Value) + 96)));
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = char_size(text, at);
    WEIR_ASSIGN(Value item, runtime.heap.text(text.substr(at, size)));
    items.push_back(std::move(item));
    at += size;
  }
  return items;
}

Result<std::vector<Value>> iterate(Runtime& runtime, const Value& value) {
  if (value.is_undefined()) return std::vector<Value>();
  if (value.is_string()) return iterate_text(runtime, value.str());
  if (!value.is_object() || !value.object()->iterable()) {
    return type_error(fmt::format("'{}' object is not iterable", value.type_name()));
  }
  const std::size_t count = value.object()->length().value_or(0);
  WEIR_TRY(runtime.heap.spend(count));
  WEIR_TRY(runtime.heap.room(count * sizeof(Value)));
  return value.object()->iterate().value();
}

Result<std::size_t> length_of(Runtime& runtime, const Value& value) {
  if (value.is_undefined()) return std::size_t{0};
  if (value.is_string()) {
    WEIR_TRY(runtime.heap.spend_bytes(value.str().size()));
    return char_count(value.str());
  }
  const auto length = value.is_object() ? value.object()->length() : std::nullopt;
  if (length) return *length;
  return type_error(fmt::format("object of type '{}' has no len()", value.type_name()));
}

}  // namespace weir::jinja
