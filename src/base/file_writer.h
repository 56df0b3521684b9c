// A file written in pieces that appears whole or not at all.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "weir/status.h"

namespace weir {

// Move-only. Until commit() the bytes lie in a file of their own, which the destructor removes.
class FileWriter {
 public:
  // Creates `scratch`, or empties it if it is there.
  static Result<FileWriter> create(const std::filesystem::path& scratch);
  FileWriter(FileWriter&& other) noexcept;
  FileWriter& operator=(FileWriter&&) = delete;
  ~FileWriter();

  Status write(std::span<const std::byte> bytes);
  // Syncs, and renames the file to `path`, which must be on the same file system. Call once, last.
  Status commit(const std::filesystem::path& path);

 private:
  FileWriter(int fd, std::filesystem::path scratch) : fd_(fd), scratch_(std::move(scratch)) {}

  int fd_;
  std::filesystem::path scratch_;
};

}  // namespace weir
