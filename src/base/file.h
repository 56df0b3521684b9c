// Files: read, map, write atomically. The operating system is met here and nowhere else, so that
// tests can make it fail.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "weir/status.h"

namespace weir {

// A file mapped read-only. Moveable; the bytes stay valid while the object lives. Replacing the
// file's content in place under a mapping is undefined by the system (truncation gives SIGBUS):
// weir writes its own files by rename and asks the same of others.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

  // Takes the whole pages of `part` out of this process's memory: what has been copied elsewhere is
  // not held twice. They stay valid, and are read again if touched. Bytes of others are left alone.
  void forget(std::span<const std::byte> part) const;

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// The whole file. kIo with the system's reason, or kInvalid if it is larger than `bytes_max`.
Result<std::string> read_file(const std::filesystem::path& path, size_t bytes_max);

// Writes beside `path`, syncs, renames: readers see the old content or the new, never a part.
Status write_file_atomically(const std::filesystem::path& path, std::string_view content);

// The lower-case hexadecimal SHA-256 of a file or of bytes.
Result<std::string> sha256_of_file(const std::filesystem::path& path);
std::string sha256(std::span<const std::byte> bytes);

}  // namespace weir
