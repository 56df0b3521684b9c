#include "text/jinja_getter.h"

#include <algorithm>
#include <charconv>

#include "text/jinja_ops.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

std::vector<std::string_view> pieces(std::string_view text, char sign) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = std::min(text.find(sign, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    if (end == text.size()) return parts;
    begin = end + 1;
  }
}

// "0" is an index; a number too large for one stays a key.
Value part(std::string_view text) {
  std::int64_t index = 0;
  const char* end = text.data() + text.size();
  const bool digits =
      !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  if (digits && std::from_chars(text.data(), end, index).ec == std::errc()) return Value(index);
  return Value::literal(std::string(text));
}

}  // namespace

Getter Getter::of(const Value* attribute) {
  Getter getter;
  if (attribute == nullptr || attribute->is_none()) return getter;
  if (!attribute->is_string()) {
    getter.path_ = {*attribute};
    return getter;
  }
  for (const std::string_view piece : pieces(attribute->str(), '.')) {
    getter.path_.push_back(part(piece));
  }
  return getter;
}

std::vector<Getter> Getter::several(const Value* attribute) {
  if (attribute == nullptr || !attribute->is_string()) return {of(attribute)};
  std::vector<Getter> getters;
  for (const std::string_view piece : pieces(attribute->str(), ',')) {
    const Value text = Value::literal(std::string(piece));
    getters.push_back(of(&text));
  }
  return getters;
}

Result<Value> Getter::get(Runtime& runtime, const Value& item, bool lower_case,
                          const Value* fallback) const {
  Value value = item;
  for (const Value& key : path_) {
    WEIR_TRY(runtime.heap.spend(1));
    WEIR_ASSIGN(value, get_item(runtime, value, key));
    if (fallback != nullptr && !fallback->is_none() && value.is_undefined()) value = *fallback;
  }
  if (lower_case && value.is_string()) return runtime.heap.text(lower(value.str()));
  return value;
}

Result<std::vector<Value>> keys_of(Runtime& runtime, const std::vector<Value>& items,
                                   const Getter& getter, bool lower_case, const Value* fallback) {
  WEIR_TRY(runtime.heap.room(items.size() * sizeof(Value)));
  std::vector<Value> keys;
  keys.reserve(items.size());
  for (const Value& item : items) {
    WEIR_ASSIGN(Value key, getter.get(runtime, item, lower_case, fallback));
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace weir::jinja
