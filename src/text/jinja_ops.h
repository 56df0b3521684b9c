// What operators, subscripts and printing do to values.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/jinja_heap.h"
#include "text/jinja_value.h"

namespace weir::jinja {

// Python's str() and repr(); undefined prints as ''.
Result<Value> to_text(Runtime& runtime, const Value& value);
Status print(Runtime& runtime, const Value& value, TextBuilder& out);
Status print_repr(Runtime& runtime, const Value& value, TextBuilder& out);
std::string float_repr(double value);

// Python's json.dumps(ensure_ascii=False); `indent` is the text of one level.
struct JsonStyle {
  std::optional<std::string> indent;
  std::string comma = ", ";
  std::string colon = ": ";
  bool sort_keys = false;
  bool ascii = false;
};
Status print_json(Runtime& runtime, const Value& value, const JsonStyle& style, TextBuilder& out);

// ==, <, in. Order is kInvalid between kinds that Python cannot order.
Result<bool> equal(Runtime& runtime, const Value& a, const Value& b);
Result<int> order(Runtime& runtime, const Value& a, const Value& b, std::string_view op);
Result<bool> less(Runtime& runtime, const Value& a, const Value& b);
Result<bool> contains(Runtime& runtime, const Value& container, const Value& item);

// + - * / // % **, by their sign.
enum class Arith { kAdd, kSub, kMul, kDiv, kFloorDiv, kMod, kPow };
Result<Value> arithmetic(Runtime& runtime, Arith op, const Value& a, const Value& b);
Result<Value> negate(Runtime& runtime, const Value& value);
// Python's `text % values`.
Result<Value> format_percent(Runtime& runtime, const std::string& pattern, const Value& values);

// `value.name` and `value[key]` as the sandbox does them: an unknown name is undefined.
Result<Value> get_attribute(Runtime& runtime, const Value& value, std::string_view name);
Result<Value> get_item(Runtime& runtime, const Value& value, const Value& key);
// value[start:stop:step]; none stands for a part left out.
Result<Value> get_slice(Runtime& runtime, const Value& value, const Value& start, const Value& stop,
                        const Value& step);

tl::unexpected<Error> type_error(std::string message);

}  // namespace weir::jinja
