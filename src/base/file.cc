#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/number.h"
#include "base/sha256.h"

namespace weir {
namespace {

std::string reason() {
  return std::generic_category().message(errno);
}

tl::unexpected<Error> io_error(const char* what, const std::filesystem::path& path) {
  const Code code = errno == ENOENT ? Code::kNotFound : Code::kIo;
  return fail(code, fmt::format("{} {}: {}", what, path.filename().string(), reason()));
}

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }

 private:
  int fd_;
};

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    content.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.ok()) return io_error("cannot open", path);
  struct stat stat {};
  if (::fstat(file.get(), &stat) != 0) return io_error("cannot stat", path);
  if (!S_ISREG(stat.st_mode))
    return fail(Code::kInvalid, path.filename().string() + " is not a regular file");
  MappedFile out;
  out.size_ = static_cast<size_t>(stat.st_size);
  if (out.size_ == 0) return out;
  void* at = ::mmap(nullptr, out.size_, PROT_READ, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) return io_error("cannot map", path);
  out.data_ = static_cast<const std::byte*>(at);
  return out;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void MappedFile::forget(std::span<const std::byte> part) const {
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  if (part.data() < data_ || part.data() + part.size() > data_ + size_) return;
  const size_t first = ceil_div(static_cast<size_t>(part.data() - data_), page) * page;
  const size_t end = static_cast<size_t>(part.data() + part.size() - data_) / page * page;
  if (first < end) ::madvise(const_cast<std::byte*>(data_) + first, end - first, MADV_DONTNEED);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

Result<std::string> read_file(const std::filesystem::path& path, size_t bytes_max) {
  WEIR_ASSIGN(const MappedFile file, MappedFile::open(path));
  if (file.bytes().size() > bytes_max)
    return fail(Code::kInvalid,
                fmt::format("{} has {} bytes; at most {} are read", path.filename().string(),
                            file.bytes().size(), bytes_max));
  return std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
}

Status write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  std::string name = path.string() + ".XXXXXX";
  const Descriptor file(::mkostemp(name.data(), O_CLOEXEC));
  if (!file.ok()) return io_error("cannot create a file beside", path);
  if (write_all(file.get(), content) && ::fsync(file.get()) == 0 &&
      ::rename(name.c_str(), path.c_str()) == 0)
    return {};
  auto error = io_error("cannot write", path);
  ::unlink(name.c_str());
  return error;
}

Result<std::string> sha256_of_file(const std::filesystem::path& path) {
  WEIR_ASSIGN(const MappedFile file, MappedFile::open(path));
  return sha256(file.bytes());
}

std::string sha256(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hex(hash.digest());
}

}  // namespace weir
