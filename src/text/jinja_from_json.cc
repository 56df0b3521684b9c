#include <fmt/format.h>

#include "text/jinja_json.h"

namespace weir::jinja {
namespace {

namespace json = boost::json;

Result<Value> convert(Runtime& runtime, const json::value& value, int depth);

Result<Value> convert_array(Runtime& runtime, const json::array& array, int depth) {
  std::vector<Value> items;
  WEIR_TRY(runtime.heap.room(array.size() * sizeof(Value)));
  items.reserve(array.size());
  for (const json::value& each : array) {
    WEIR_ASSIGN(Value item, convert(runtime, each, depth + 1));
    items.push_back(std::move(item));
  }
  return runtime.heap.list(std::move(items));
}

Result<Value> convert_object(Runtime& runtime, const json::object& object, int depth) {
  WEIR_ASSIGN(Dict * dict, runtime.heap.dict());
  for (const auto& [key, each] : object) {
    WEIR_ASSIGN(Value value, convert(runtime, each, depth + 1));
    WEIR_TRY(runtime.heap.put(*dict, std::string_view(key), std::move(value)));
  }
  return Value(dict);
}

Result<Value> convert(Runtime& runtime, const json::value& value, int depth) {
  if (depth > kMaxValueDepth) {
    return fail(Code::kInvalid,
                fmt::format("arrays and objects nest more than {} deep", kMaxValueDepth));
  }
  switch (value.kind()) {
    case json::kind::null:
      return Value();
    case json::kind::bool_:
      return Value(value.get_bool());
    case json::kind::int64:
      return Value(std::int64_t{value.get_int64()});
    case json::kind::uint64:
      // The parser gives this kind to what int64 cannot hold, but a caller may to any number.
      if (value.get_uint64() <= INT64_MAX) {
        return Value(static_cast<std::int64_t>(value.get_uint64()));
      }
      return fail(Code::kInvalid,
                  fmt::format("the integer {} is beyond 64 bits with a sign", value.get_uint64()));
    case json::kind::double_:
      return Value(value.get_double());
    case json::kind::string:
      return runtime.heap.text(std::string(value.get_string()));
    case json::kind::array:
      return convert_array(runtime, value.get_array(), depth);
    case json::kind::object:
      return convert_object(runtime, value.get_object(), depth);
  }
  return Value();
}

}  // namespace

Result<Value> from_json(Runtime& runtime, const json::value& json, std::string_view param) {
  Result<Value> value = convert(runtime, json, 0);
  if (!value) {
    return fail(value.error().code, fmt::format("{}: {}", param, value.error().message),
                std::string(param));
  }
  return value;
}

}  // namespace weir::jinja
