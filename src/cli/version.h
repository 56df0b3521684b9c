#pragma once

#include <string_view>

namespace weir::cli {

inline constexpr std::string_view kVersion = WEIR_VERSION;

// The commit that was built, as `git describe` names it; "unknown" outside a repository.
std::string_view commit();

}  // namespace weir::cli
