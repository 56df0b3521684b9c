#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace weir {

void check_failed(const char* file, int line, const char* what, std::string_view figures) {
  std::fprintf(stderr, "%s:%d: broken invariant: %s. %.*s\n", file, line, what,
               static_cast<int>(figures.size()), figures.data());
  std::abort();
}

}  // namespace weir
