// The list of models: models/manifest.json, compiled in.
#pragma once

#include <string_view>
#include <vector>

#include "weir/models.h"
#include "weir/status.h"

namespace weir {

// The JSON text that this build carries.
std::string_view manifest_text();

// kCorrupt names the model and the field that is missing, of a wrong type, or unsafe: names and
// files are plain file names, digests 64 hexadecimal digits, packages "name==version".
Result<std::vector<ModelEntry>> parse_manifest(std::string_view json);

}  // namespace weir
