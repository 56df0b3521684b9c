// Reading a JSON request, field by field. Every error names the field, the kind of value found and
// what would be right. A field that is null counts as absent, as in OpenAI's API.
//
// Of a key that stands twice in an object the last value counts.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/status.h"

namespace weir::server {

inline constexpr size_t kJsonDepthMax = 64;

// The one parse of a request's body: an object of RFC 8259 in valid UTF-8, nested at most
// kJsonDepthMax deep.
Result<boost::json::object> parse_body(std::string_view body);

// The bounds of a number. An integer may be written 3 or 3.0.
struct NumberRange {
  double min = 0, max = 0;
  bool integer = false;
  bool above_min = false;  // min itself is excluded.
};

std::string_view kind_of(const boost::json::value& value);
Error wrong_kind(const boost::json::value& value, std::string param, std::string_view expected);

// A number within its range; `param` is what an error calls it.
Result<double> to_number(const boost::json::value& value, const NumberRange& range,
                         const std::string& param);

class Fields {
 public:
  explicit Fields(const boost::json::object& object, std::string prefix = {})
      : object_(object), prefix_(std::move(prefix)) {}

  // The value; null if absent or null.
  const boost::json::value* find(std::string_view name) const;
  std::string param(std::string_view name) const { return prefix_ + std::string(name); }

  Result<std::optional<double>> number(std::string_view name, const NumberRange& range) const;
  Result<std::optional<int64_t>> integer64(std::string_view name) const;
  Result<bool> boolean(std::string_view name, bool otherwise) const;
  Result<std::optional<std::string>> string(std::string_view name) const;
  Result<const boost::json::array*> array(std::string_view name) const;
  Result<const boost::json::object*> object(std::string_view name) const;

 private:
  const boost::json::object& object_;
  std::string prefix_;
};

}  // namespace weir::server
