// Attributes, items and slices, as jinja2's immutable sandbox gives them.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "text/jinja_builtin.h"
#include "text/jinja_ops.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

using Found = Result<std::optional<Value>>;

// How jinja2 names a value in "'list object' has no element 3".
std::string describe(const Value& value) {
  if (value.is_none()) return "None";
  return fmt::format("{} object", value.type_name());
}

Value unknown(Runtime& runtime, const Value& value, const Value& key) {
  if (key.is_string()) {
    return runtime.heap.undefined(
        fmt::format("'{}' has no attribute '{}'", describe(value), key.str().substr(0, 200)));
  }
  if (key.is_number()) {
    return runtime.heap.undefined(
        fmt::format("'{}' has no element {}", describe(value),
                    key.is_double() ? float_repr(key.number()) : std::to_string(key.integral())));
  }
  return runtime.heap.undefined(
      fmt::format("'{}' has no element of type '{}'", describe(value), key.type_name()));
}

// Python's methods that change a list or a dict; the sandbox refuses them.
bool changes(const Value& value, std::string_view name) {
  static constexpr std::string_view kList[] = {"append", "clear", "pop",    "reverse",
                                               "insert", "sort",  "extend", "remove"};
  static constexpr std::string_view kDict[] = {"clear", "pop", "popitem", "setdefault", "update"};
  const auto* list = value.as<Sequence>();
  if (list != nullptr && !list->is_tuple())
    return std::ranges::find(kList, name) != std::end(kList);
  return value.as<Dict>() != nullptr && std::ranges::find(kDict, name) != std::end(kDict);
}

// What Python's getattr finds, short of items.
Found find_attribute(Runtime& runtime, const Value& value, std::string_view name) {
  if (const BuiltinRow* row = find_method(value, name)) {
    WEIR_ASSIGN(Object * method, runtime.heap.make<Function>(128, row, value));
    return std::optional<Value>(method);
  }
  const bool internal = name.starts_with("__");
  if (changes(value, name) || (internal && value.as<Namespace>() == nullptr)) {
    return std::optional<Value>(runtime.heap.undefined(fmt::format(
        "access to attribute '{}' of '{}' object is unsafe.", name, value.type_name())));
  }
  if (value.is_object()) return value.object()->attribute(runtime, name);
  return std::optional<Value>();
}

// A list's place for an index that may count from the end; none when outside.
std::optional<std::size_t> place(std::int64_t index, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  if (index < 0) index += count;
  if (index < 0 || index >= count) return std::nullopt;
  return static_cast<std::size_t>(index);
}

Found text_item(Runtime& runtime, const std::string& text, std::int64_t index) {
  WEIR_TRY(runtime.heap.spend_bytes(text.size()));
  const auto at = place(index, char_count(text));
  if (!at) return std::optional<Value>();
  const std::size_t begin = char_offset(text, *at);
  WEIR_ASSIGN(Value item, runtime.heap.text(text.substr(begin, char_size(text, begin))));
  return std::optional<Value>(std::move(item));
}

// What Python's value[key] finds; none where it raises a TypeError or LookupError.
Found find_item(Runtime& runtime, const Value& value, const Value& key) {
  if (const auto* dict = value.as<Dict>()) {
    const auto found = runtime.heap.find(*dict, key);
    return found && *found ? std::optional<Value>(**found) : std::optional<Value>();
  }
  if (!key.is_integral()) return std::optional<Value>();
  if (value.is_string()) return text_item(runtime, value.str(), key.integral());
  if (const auto* list = value.as<Sequence>()) {
    const auto at = place(key.integral(), list->items().size());
    return at ? std::optional<Value>(list->items()[*at]) : std::optional<Value>();
  }
  if (const auto* range = value.as<Range>()) {
    const auto at = place(key.integral(), *range->length());
    return at ? std::optional<Value>(range->at(*at)) : std::optional<Value>();
  }
  return std::optional<Value>();
}

// A slice's parts after Python's rules for what is missing or outside.
struct Bounds {
  std::int64_t start, stop, step;
};

std::int64_t clamp(const Value& part, std::int64_t count, std::int64_t low, std::int64_t high,
                   std::int64_t fallback) {
  if (part.is_none()) return fallback;
  const std::int64_t index = part.integral();
  return std::clamp(index < 0 ? index + count : index, low, high);
}

Bounds bounds(std::size_t size, const Value& start, const Value& stop, const Value& step) {
  const auto count = static_cast<std::int64_t>(size);
  // A step beyond the length takes one item, like any other such step.
  const std::int64_t stride =
      step.is_none() ? 1 : std::clamp(step.integral(), -count - 1, count + 1);
  if (stride > 0) {
    return {clamp(start, count, 0, count, 0), clamp(stop, count, 0, count, count), stride};
  }
  return {clamp(start, count, -1, count - 1, count - 1), clamp(stop, count, -1, count - 1, -1),
          stride};
}

template <typename Visit>
void each(const Bounds& b, const Visit& visit) {
  for (std::int64_t i = b.start; b.step > 0 ? i < b.stop : i > b.stop; i += b.step) {
    visit(static_cast<std::size_t>(i));
  }
}

Result<Value> slice_text(Runtime& runtime, const std::string& text, const Value& start,
                         const Value& stop, const Value& step) {
  WEIR_TRY(runtime.heap.room(text.size() * sizeof(std::size_t)));
  WEIR_TRY(runtime.heap.spend_bytes(text.size()));
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at < text.size(); at += char_size(text, at)) places.push_back(at);
  places.push_back(text.size());
  std::string out;
  each(bounds(places.size() - 1, start, stop, step),
       [&](std::size_t i) { out.append(text, places[i], places[i + 1] - places[i]); });
  return runtime.heap.text(std::move(out));
}

Result<Value> slice_list(Runtime& runtime, const Sequence& list, const Value& start,
                         const Value& stop, const Value& step) {
  WEIR_TRY(runtime.heap.room(list.items().size() * sizeof(Value)));
  std::vector<Value> out;
  each(bounds(list.items().size(), start, stop, step),
       [&](std::size_t i) { out.push_back(list.items()[i]); });
  return list.is_tuple() ? runtime.heap.tuple(std::move(out)) : runtime.heap.list(std::move(out));
}

Result<Value> slice_range(Runtime& runtime, const Range& range, const Value& start,
                          const Value& stop, const Value& step) {
  const Bounds b = bounds(*range.length(), start, stop, step);
  const auto at = [&](std::int64_t index) { return range.start() + index * range.step(); };
  WEIR_ASSIGN(Object * out,
              runtime.heap.make<Range>(64, at(b.start), at(b.stop), b.step * range.step()));
  return Value(out);
}

}  // namespace

Result<Value> get_attribute(Runtime& runtime, const Value& value, std::string_view name) {
  if (value.is_undefined() && !name.starts_with("__")) return type_error(value.why());
  WEIR_ASSIGN(const auto found, find_attribute(runtime, value, name));
  if (found) return *found;
  if (const auto* dict = value.as<Dict>()) {
    if (const Value* item = dict->find(name)) return *item;
  }
  return unknown(runtime, value, Value::literal(std::string(name)));
}

Result<Value> get_item(Runtime& runtime, const Value& value, const Value& key) {
  if (value.is_undefined()) return type_error(value.why());
  WEIR_ASSIGN(const auto item, find_item(runtime, value, key));
  if (item) return *item;
  if (key.is_string()) {
    WEIR_ASSIGN(const auto found, find_attribute(runtime, value, key.str()));
    if (found) return *found;
  }
  return unknown(runtime, value, key);
}

Result<Value> get_slice(Runtime& runtime, const Value& value, const Value& start, const Value& stop,
                        const Value& step) {
  if (value.is_undefined()) return type_error(value.why());
  for (const Value* part : {&start, &stop, &step}) {
    if (part->is_none() || part->is_integral()) continue;
    return type_error("slice indices must be integers or None");
  }
  if (step.is_integral() && step.integral() == 0) return type_error("slice step cannot be zero");
  if (value.is_string()) return slice_text(runtime, value.str(), start, stop, step);
  if (const auto* list = value.as<Sequence>()) return slice_list(runtime, *list, start, stop, step);
  if (const auto* range = value.as<Range>()) return slice_range(runtime, *range, start, stop, step);
  return type_error(fmt::format("'{}' object cannot be sliced", value.type_name()));
}

}  // namespace weir::jinja
