// Runs a program as a child, without a shell.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "weir/status.h"

namespace weir {

struct Command {
  std::vector<std::string> arguments;    // The program, found on PATH, and its arguments.
  std::vector<std::string> environment;  // "NAME=value", over this process's own.
  std::filesystem::path output;          // Takes what it prints.
  int inherited_fd = -1;                 // Stays open in the child; -1: none.
};

// How it ended: `signal` is 0 unless one ended it; then `status` is not 0 either.
struct Exit {
  int status = 0;
  int signal = 0;
};

// Waits for its end, calling `tick` every 100 ms or so. kNotFound: there is no such program; kIo:
// the system refuses.
Result<Exit> run_command(const Command& command, const std::function<void()>& tick);

}  // namespace weir
