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

// Writes to standard output at once. False where nobody reads any more.
bool put(std::string_view text);
void put_json(const boost::json::object& object);

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
