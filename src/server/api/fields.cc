#include "server/api/fields.h"

#include <fmt/format.h>

#include <cmath>

#include "server/api/utf8.h"

namespace weir::server {

namespace json = boost::json;

Result<json::object> parse_body(std::string_view body) {
  if (const size_t valid = valid_utf8_bytes(body); valid < body.size())
    return fail(Code::kInvalid, fmt::format("The body is not valid UTF-8 at byte {}.", valid));
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::system::error_code error;
  json::value value = json::parse(body, error, {}, options);
  if (error == json::error::too_deep)
    return fail(Code::kInvalid,
                fmt::format("The body's JSON is nested more than {} deep.", kJsonDepthMax));
  if (error)
    return fail(Code::kInvalid, fmt::format("The body is not valid JSON: {}.", error.message()));
  if (!value.is_object())
    return fail(Code::kInvalid,
                fmt::format("The body must be a JSON object, not {}.", kind_of(value)));
  return std::move(value.as_object());
}

std::string_view kind_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "a boolean";
    case json::kind::int64:
    case json::kind::uint64:
      return "an integer";
    case json::kind::double_:
      return "a number";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
  }
  return "a value";
}

Error wrong_kind(const json::value& value, std::string param, std::string_view expected) {
  std::string message = fmt::format("{} must be {}, not {}.", param, expected, kind_of(value));
  return {Code::kInvalid, std::move(message), std::move(param)};
}

Result<double> to_number(const json::value& value, const NumberRange& range,
                         const std::string& param) {
  const std::string_view kind = range.integer ? "an integer" : "a number";
  if (!value.is_number()) return fail(wrong_kind(value, param, kind));
  const double number = value.to_number<double>();
  if (range.integer && number != std::floor(number)) return fail(wrong_kind(value, param, kind));
  const bool low = range.above_min ? !(number > range.min) : !(number >= range.min);
  if (low || !(number <= range.max))
    return fail(Code::kInvalid,
                fmt::format("{} must be {} {} and at most {}, not {}.", param,
                            range.above_min ? "above" : "at least", range.min, range.max,
                            json::serialize(value)),
                param);
  return number;
}

const json::value* Fields::find(std::string_view name) const {
  const json::value* value = object_.if_contains(name);
  return value && !value->is_null() ? value : nullptr;
}

Result<std::optional<double>> Fields::number(std::string_view name,
                                             const NumberRange& range) const {
  const json::value* value = find(name);
  if (!value) return std::nullopt;
  WEIR_ASSIGN(const double number, to_number(*value, range, param(name)));
  return number;
}

Result<std::optional<int64_t>> Fields::integer64(std::string_view name) const {
  const json::value* value = find(name);
  if (!value) return std::nullopt;
  if (value->is_int64()) return value->as_int64();
  const double limit = std::ldexp(1.0, 53);
  WEIR_ASSIGN(const double number, to_number(*value, {-limit, limit, true}, param(name)));
  return static_cast<int64_t>(number);
}

Result<bool> Fields::boolean(std::string_view name, bool otherwise) const {
  const json::value* value = find(name);
  if (!value) return otherwise;
  if (!value->is_bool()) return fail(wrong_kind(*value, param(name), "a boolean"));
  return value->as_bool();
}

Result<std::optional<std::string>> Fields::string(std::string_view name) const {
  const json::value* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_string()) return fail(wrong_kind(*value, param(name), "a string"));
  return std::string(value->as_string());
}

Result<const json::array*> Fields::array(std::string_view name) const {
  const json::value* value = find(name);
  if (!value) return nullptr;
  if (!value->is_array()) return fail(wrong_kind(*value, param(name), "an array"));
  return &value->as_array();
}

Result<const json::object*> Fields::object(std::string_view name) const {
  const json::value* value = find(name);
  if (!value) return nullptr;
  if (!value->is_object()) return fail(wrong_kind(*value, param(name), "an object"));
  return &value->as_object();
}

}  // namespace weir::server
