// The (key, value) tuples of a dict.
#pragma once

#include <vector>

#include "text/jinja_dict.h"
#include "text/jinja_heap.h"

namespace weir::jinja {

Result<std::vector<Value>> make_pairs(Runtime& runtime, const Dict& dict);

}  // namespace weir::jinja
