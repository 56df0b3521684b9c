// The terminal: where it is one, errors, sizes for people, Ctrl-C.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/status.h"

namespace weir::cli {

// Whether standard output, or standard error, is a terminal.
bool output_is_terminal();
bool errors_are_terminal();

// Writes "weir: message" to standard error. Returns the exit code.
int report(const Error& error);
void warn(std::string_view message);

// Writes to standard output at once. The first failure is reported (except that nobody reads any
// more, which is no news to who closed the pipe); from then on output_lost() is true, and the
// program ends with a failure. May be called on any thread.
void put(std::string_view text);
void put_json(const boost::json::object& object);
bool output_lost();

// "98.4 MB", as file managers have it; "512 B".
std::string human_bytes(uint64_t bytes);

// While one lives, Ctrl-C does not end the process but makes interrupted() true; a second Ctrl-C
// before clear() ends it.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  static bool interrupted();
  static void clear();
};

}  // namespace weir::cli
