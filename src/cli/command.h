// The commands of `weir`: one file each, one table (main.cc).
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace weir::cli {

inline constexpr int kSuccess = 0, kFailure = 1, kUsage = 2, kInterrupted = 130;

// What the command line asks for, to be done once all of it is understood. Returns the exit code.
using Job = std::function<int()>;

// Declares a command's options, and sets `job` if the command is the one given.
void add_serve(CLI::App& command, Job& job);
void add_run(CLI::App& command, Job& job);
void add_chat(CLI::App& command, Job& job);
void add_bench(CLI::App& command, Job& job);
void add_eval(CLI::App& command, Job& job);
void add_kv(CLI::App& command, Job& job);
void add_model(CLI::App& command, Job& job);

}  // namespace weir::cli
