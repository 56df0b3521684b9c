#include <fmt/format.h>

#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/console.h"
#include "cli/version.h"

namespace weir::cli {
namespace {

struct Command {
  const char *name, *description;
  void (*add)(CLI::App&, Job&);
};

constexpr Command kCommands[] = {
    {"serve", "Serve a model over HTTP, with OpenAI's API", add_serve},
    {"run", "Answer one prompt", add_run},
    {"chat", "Talk with a model in the terminal", add_chat},
    {"bench", "Measure a model on this machine", add_bench},
    {"eval", "Judge KV methods against the full cache", add_eval},
    {"kv", "What can be done with the KV cache", add_kv},
    {"model", "Fetch, list and look into models", add_model},
};

// What is wrong with the first word, if it is no command; else nothing.
std::string unknown_command(const CLI::App& app) {
  const std::vector<std::string> words = app.remaining();
  if (words.empty() || !app.get_subcommands().empty()) return "";
  std::string known;
  for (const Command& command : kCommands)
    known += fmt::format("{}{}", known.empty() ? "" : ", ", command.name);
  return fmt::format("no command is named {}; there are: {}", words[0], known);
}

int run(int argc, char** argv) {
  CLI::App app{"weir serves language models; their KV cache is a managed resource.", "weir"};
  app.set_version_flag("--version", fmt::format("weir {} ({})", kVersion, commit()));
  app.require_subcommand(1);
  app.option_defaults()->always_capture_default();
  Job job;
  for (const Command& command : kCommands)
    command.add(*app.add_subcommand(command.name, command.description), job);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {  // --help and --version.
      std::ostringstream text;
      app.exit(error, text);
      put(text.str());
      return output_lost() ? kFailure : kSuccess;
    }
    const std::string unknown = unknown_command(app);
    fmt::print(stderr, "weir: {}\n", unknown.empty() ? error.what() : unknown);
    fmt::print(stderr, "Run with --help for what there is.\n");
    return kUsage;
  }
  const int code = job();
  return code == kSuccess && output_lost() ? kFailure : code;
}

}  // namespace
}  // namespace weir::cli

int main(int argc, char** argv) {
  return weir::cli::run(argc, argv);
}
