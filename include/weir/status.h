// Errors as values. Everything that the outside world can break returns a Status or a Result<T>;
// a broken invariant of weir's own ends the process through WEIR_CHECK (src/base/check.h).
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace weir {

// Few codes; the message carries the rest. Each maps to one HTTP status at the edge.
enum class Code {
  kInvalid,      // The caller's value is wrong; the same call fails again. 400.
  kNotFound,     // The name is not known. 404.
  kUnavailable,  // Too much work or no memory just now; the same call may succeed later. 429 or
                 // 503.
  kCorrupt,      // Bytes from outside (a file, a page) are not what they must be. 400 at load.
  kIo,           // The operating system refused. The message holds its reason.
  kCancelled,    // The caller, or a shutdown, ended it.
  kInternal,     // A result that must not be: NaN logits, say. 500.
};

// An error. `message` names the field, the kind of value found and what would be right, and shows
// no path or address of the server. `param` is the request field at fault, or empty.
struct Error {
  Code code = Code::kInternal;
  std::string message;
  std::string param;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(Code code, std::string message, std::string param = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(param)});
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace weir

// Leaves the function with the error of `expression` if it has one.
#define WEIR_TRY(expression)                                                 \
  do {                                                                       \
    if (auto weir_status_ = (expression); !weir_status_.has_value())         \
      return tl::unexpected<::weir::Error>(std::move(weir_status_).error()); \
  } while (false)

// WEIR_ASSIGN(auto x, f()): declares or assigns x from the value of f(), or leaves with its error.
#define WEIR_CONCAT_(a, b) a##b
#define WEIR_CONCAT(a, b) WEIR_CONCAT_(a, b)
#define WEIR_ASSIGN(target, expression) \
  WEIR_ASSIGN_(target, expression, WEIR_CONCAT(weir_result_, __LINE__))
#define WEIR_ASSIGN_(target, expression, name)                                          \
  auto name = (expression);                                                             \
  if (!name.has_value()) return tl::unexpected<::weir::Error>(std::move(name).error()); \
  target = std::move(name).value()
