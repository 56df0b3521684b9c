// Common words for tasks to hide and ask for, and stories to hide them in. No story has one of
// these words, so that whoever finds one has found what was hidden.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/draw.h"

namespace weir::eval {

// Nouns of one meaning and no case, about 250.
std::span<const std::string_view> common_words();

using Words = std::vector<std::string>;

// So many of them, all different. REQUIRES as many.
Words take_words(Draw& draw, const Words& from, size_t count);

// A sentence about people who do things at places: it ends with a full stop.
std::string story_sentence(Draw& draw);

}  // namespace weir::eval
