// Where the samples of a text lie.
#pragma once

#include <cstddef>
#include <vector>

#include "eval/draw.h"

namespace weir::eval {

// The first tokens of `wanted` stretches of `length` tokens, or of as many as lie in `tokens` side
// by side: in equal parts of the text one each, at a place drawn by chance. No two overlap, as a
// bootstrap takes samples to be independent. REQUIRES a length above 0.
std::vector<size_t> stretches(size_t tokens, size_t length, size_t wanted, Draw& draw);

}  // namespace weir::eval
