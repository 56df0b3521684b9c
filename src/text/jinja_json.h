// JSON values as template values.
#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "text/jinja_heap.h"

namespace weir::jinja {

// Keeps the order of keys. kInvalid, with `param` in the error, for an integer beyond 64 bits and
// for a value that nests too deep or is too large.
Result<Value> from_json(Runtime& runtime, const boost::json::value& json, std::string_view param);

}  // namespace weir::jinja
