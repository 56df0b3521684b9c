// ==, <, in: as Python compares.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_ops.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

constexpr int kUnordered = 2;

Result<bool> equal_at(Runtime& runtime, const Value& a, const Value& b, int depth);

Result<bool> equal_items(Runtime& runtime, const std::vector<Value>& a, const std::vector<Value>& b,
                         int depth) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    WEIR_ASSIGN(const bool same, equal_at(runtime, a[i], b[i], depth + 1));
    if (!same) return false;
  }
  return true;
}

Result<bool> equal_dicts(Runtime& runtime, const Dict& a, const Dict& b, int depth) {
  if (a.entries().size() != b.entries().size()) return false;
  for (const auto& [key, value] : a.entries()) {
    WEIR_ASSIGN(const Value* other, runtime.heap.find(b, key));
    if (other == nullptr) return false;
    WEIR_ASSIGN(const bool same, equal_at(runtime, value, *other, depth + 1));
    if (!same) return false;
  }
  return true;
}

Result<bool> equal_objects(Runtime& runtime, const Value& a, const Value& b, int depth) {
  if (a.object() == b.object()) return true;
  const auto* x = a.as<Sequence>();
  const auto* y = b.as<Sequence>();
  if (x != nullptr && y != nullptr) {
    if (x->is_tuple() != y->is_tuple()) return false;
    return equal_items(runtime, x->items(), y->items(), depth);
  }
  const auto* left = a.as<Dict>();
  const auto* right = b.as<Dict>();
  if (left != nullptr && right != nullptr) return equal_dicts(runtime, *left, *right, depth);
  const auto* range = a.as<Range>();
  const auto* other = b.as<Range>();
  if (range == nullptr || other == nullptr || range->length() != other->length()) return false;
  const std::size_t count = *range->length();
  return count == 0 ||
         (range->start() == other->start() && (count == 1 || range->step() == other->step()));
}

// An integer against a float, exactly.
bool equal_numbers(const Value& a, const Value& b) {
  if (!a.is_double() && !b.is_double()) return a.integral() == b.integral();
  if (a.is_double() && b.is_double()) return a.number() == b.number();
  return static_cast<long double>(a.is_double() ? a.number() : b.number()) ==
         static_cast<long double>(a.is_double() ? b.integral() : a.integral());
}

Result<bool> equal_at(Runtime& runtime, const Value& a, const Value& b, int depth) {
  WEIR_TRY(runtime.heap.spend(1));
  if (depth > kMaxValueDepth) return type_error("the values compared nest too deep");
  if (a.is_object() && b.is_object()) return equal_objects(runtime, a, b, depth);
  if (a.is_number() && b.is_number()) return equal_numbers(a, b);
  if (a.is_string() && b.is_string()) {
    if (a.str().size() != b.str().size()) return false;
    WEIR_TRY(runtime.heap.spend_bytes(a.str().size()));
    return a.str() == b.str();
  }
  return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

template <typename T>
int compare(T a, T b) {
  if (a == b) return 0;
  if (a < b) return -1;
  return a > b ? 1 : kUnordered;
}

int order_numbers(const Value& a, const Value& b) {
  if (!a.is_double() && !b.is_double()) return compare(a.integral(), b.integral());
  const auto wide = [](const Value& v) {
    return v.is_double() ? static_cast<long double>(v.number())
                         : static_cast<long double>(v.integral());
  };
  return compare(wide(a), wide(b));
}

Result<int> order_at(Runtime& runtime, const Value& a, const Value& b, std::string_view op,
                     int depth);

Result<int> order_items(Runtime& runtime, const std::vector<Value>& a, const std::vector<Value>& b,
                        std::string_view op, int depth) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    WEIR_ASSIGN(const bool same, equal_at(runtime, a[i], b[i], depth + 1));
    if (!same) return order_at(runtime, a[i], b[i], op, depth + 1);
  }
  return compare(a.size(), b.size());
}

Result<int> order_at(Runtime& runtime, const Value& a, const Value& b, std::string_view op,
                     int depth) {
  WEIR_TRY(runtime.heap.spend(1));
  if (depth > kMaxValueDepth) return type_error("the values compared nest too deep");
  if (a.is_undefined()) return type_error(a.why());
  if (b.is_undefined()) return type_error(b.why());
  if (a.is_number() && b.is_number()) return order_numbers(a, b);
  if (a.is_string() && b.is_string()) {
    WEIR_TRY(runtime.heap.spend_bytes(std::min(a.str().size(), b.str().size())));
    // UTF-8 bytes sort as code points do.
    return compare(a.str().compare(b.str()), 0);
  }
  const auto* x = a.as<Sequence>();
  const auto* y = b.as<Sequence>();
  if (x != nullptr && y != nullptr && x->is_tuple() == y->is_tuple()) {
    return order_items(runtime, x->items(), y->items(), op, depth);
  }
  return type_error(fmt::format("'{}' not supported between instances of '{}' and '{}'", op,
                                a.type_name(), b.type_name()));
}

Result<bool> list_contains(Runtime& runtime, const std::vector<Value>& items, const Value& item) {
  for (const Value& each : items) {
    WEIR_ASSIGN(const bool same, equal(runtime, each, item));
    if (same || each.same(item)) return true;
  }
  return false;
}

}  // namespace

tl::unexpected<Error> type_error(std::string message) {
  return fail(Code::kInvalid, std::move(message));
}

Result<bool> equal(Runtime& runtime, const Value& a, const Value& b) {
  return equal_at(runtime, a, b, 0);
}

Result<int> order(Runtime& runtime, const Value& a, const Value& b, std::string_view op) {
  return order_at(runtime, a, b, op, 0);
}

Result<bool> less(Runtime& runtime, const Value& a, const Value& b) {
  WEIR_ASSIGN(const int way, order(runtime, a, b, "<"));
  return way == -1;
}

Result<bool> contains(Runtime& runtime, const Value& container, const Value& item) {
  if (container.is_string()) {
    if (item.is_undefined()) return type_error(item.why());
    if (!item.is_string()) {
      return type_error(
          fmt::format("'in <string>' requires string as left operand, not {}", item.type_name()));
    }
    WEIR_TRY(runtime.heap.spend_bytes(container.str().size()));
    return find_text(container.str(), item.str()) != std::string::npos;
  }
  if (const auto* dict = container.as<Dict>()) {
    WEIR_ASSIGN(const Value* found, runtime.heap.find(*dict, item));
    return found != nullptr;
  }
  if (const auto* list = container.as<Sequence>()) {
    return list_contains(runtime, list->items(), item);
  }
  if (!container.is_undefined() && !(container.is_object() && container.object()->iterable())) {
    return type_error(fmt::format("argument of type '{}' is not iterable", container.type_name()));
  }
  WEIR_ASSIGN(const std::vector<Value> items, iterate(runtime, container));
  return list_contains(runtime, items, item);
}

}  // namespace weir::jinja
