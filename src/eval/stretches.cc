#include "eval/stretches.h"

#include <algorithm>

namespace weir::eval {

std::vector<size_t> stretches(size_t tokens, size_t length, size_t wanted, Draw& draw) {
  std::vector<size_t> out(std::min(wanted, tokens / length));
  const size_t part = out.empty() ? 0 : tokens / out.size();
  for (size_t i = 0; i < out.size(); ++i) out[i] = i * part + draw.below(part - length + 1);
  return out;
}

}  // namespace weir::eval
