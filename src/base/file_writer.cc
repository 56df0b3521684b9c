#include "base/file_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace weir {
namespace {

tl::unexpected<Error> io_error(const char* what, const std::filesystem::path& path) {
  return fail(Code::kIo, fmt::format("cannot {} {}: {}", what, path.filename().string(),
                                     std::generic_category().message(errno)));
}

}  // namespace

Result<FileWriter> FileWriter::create(const std::filesystem::path& scratch) {
  const int fd = ::open(scratch.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return io_error("create", scratch);
  return FileWriter(fd, scratch);
}

FileWriter::FileWriter(FileWriter&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), scratch_(std::move(other.scratch_)) {}

FileWriter::~FileWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(scratch_.c_str());
}

Status FileWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_error("write", scratch_);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Status FileWriter::commit(const std::filesystem::path& path) {
  if (::fsync(fd_) != 0) return io_error("sync", scratch_);
  if (::rename(scratch_.c_str(), path.c_str()) != 0) return io_error("put in place", path);
  ::close(std::exchange(fd_, -1));
  return {};
}

}  // namespace weir
