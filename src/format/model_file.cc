#include "format/model_file.h"

#include <xxhash.h>

#include <algorithm>
#include <thread>

#include "base/number.h"
#include "base/sha256.h"
#include "base/thread_pool.h"

namespace weir {

Result<ModelFile> open_model(const std::filesystem::path& path) {
  WEIR_ASSIGN(GgufFile file, GgufFile::open(path));
  return read_model(std::move(file));
}

Result<ModelFile> read_model(GgufFile file) {
  ModelFile out;
  WEIR_ASSIGN(out.config, read_config(file));
  WEIR_ASSIGN(out.weights, read_weights(file, out.config));
  WEIR_ASSIGN(out.vocabulary, read_vocabulary(file, out.config.vocabulary));
  out.digest = model_digest(file);
  out.file = std::move(file);
  return out;
}

std::string model_digest(const GgufFile& file) {
  constexpr size_t kPieceBytes = size_t{4} << 20, kThreadsMax = 16;
  const std::span<const std::byte> data = file.data();
  std::vector<XXH128_canonical_t> hashes(ceil_div(data.size(), kPieceBytes));
  const size_t threads = std::clamp<size_t>(
      std::min<size_t>(hashes.size(), std::thread::hardware_concurrency()), 1, kThreadsMax);
  ThreadPool pool(static_cast<int>(threads));
  pool.for_each(hashes.size(), [&](size_t i) {
    const size_t start = i * kPieceBytes, size = std::min(kPieceBytes, data.size() - start);
    XXH128_canonicalFromHash(&hashes[i], XXH3_128bits(data.data() + start, size));
  });
  Sha256 sha;
  sha.add_field({reinterpret_cast<const char*>(file.header().data()), file.header().size()});
  sha.add_field(std::to_string(data.size()));
  sha.add(std::as_bytes(std::span(hashes)));
  return hex(sha.digest());
}

}  // namespace weir
