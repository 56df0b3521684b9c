#include "catalog/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

extern char** environ;

namespace weir {
namespace {

// What the child does with its descriptors before it begins.
class FileActions {
 public:
  explicit FileActions(const Command& command) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, command.output.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&actions_, STDOUT_FILENO, STDERR_FILENO);
    if (command.inherited_fd >= 0)  // A copy of a descriptor is not closed on exec.
      posix_spawn_file_actions_adddup2(&actions_, command.inherited_fd, STDERR_FILENO + 1);
  }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// Null-terminated, as exec wants them.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> merged_environment(const std::vector<std::string>& over) {
  std::vector<std::string> out = over;
  for (char** at = environ; at && *at; ++at) {
    const std::string_view variable(*at);
    const std::string_view name = variable.substr(0, variable.find('=') + 1);
    if (std::none_of(over.begin(), over.end(),
                     [&](const std::string& given) { return given.starts_with(name); }))
      out.emplace_back(variable);
  }
  return out;
}

tl::unexpected<Error> spawn_error(const std::string& program, int error) {
  return fail(error == ENOENT ? Code::kNotFound : Code::kIo,
              fmt::format("cannot run {}: {}", program, std::generic_category().message(error)));
}

}  // namespace

Result<Exit> run_command(const Command& command, const std::function<void()>& tick) {
  constexpr std::chrono::milliseconds kTick(100);
  const FileActions actions(command);
  const auto environment = merged_environment(command.environment);
  pid_t child = 0;
  if (const int error =
          ::posix_spawnp(&child, command.arguments[0].c_str(), actions.get(), nullptr,
                         pointers(command.arguments).data(), pointers(environment).data()))
    return spawn_error(command.arguments[0], error);
  for (auto wait = std::chrono::milliseconds(1);; wait = std::min(2 * wait, kTick)) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended < 0 && errno != EINTR) return spawn_error(command.arguments[0], errno);
    if (ended == child && WIFSIGNALED(status)) return Exit{128, WTERMSIG(status)};
    if (ended == child) return Exit{WEXITSTATUS(status), 0};
    tick();
    std::this_thread::sleep_for(wait);
  }
}

}  // namespace weir
