// Fetching one model into the cache directory.
#pragma once

#include <filesystem>

#include "weir/models.h"

namespace weir {

// Where the entry's file lies or would lie. kIo: the environment names no home to put a cache in.
Result<std::filesystem::path> cached_path(const ModelEntry& entry);

// Whether the file is there with the entry's size. Its digest was checked when it was put there,
// and is again by pull().
bool is_cached(const ModelEntry& entry, const std::filesystem::path& path);

// pull_model() of an entry.
Result<std::filesystem::path> pull(const ModelEntry& entry, const PullProgress& progress,
                                   const PullNotice& notice = {});

}  // namespace weir
