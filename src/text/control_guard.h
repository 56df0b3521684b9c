// Keeps what users write out of the reach of control tokens, where a chat template puts it between
// real ones.
//
// A guard, the noncharacter U+FDD0, is put behind the first character of every control token that
// a user's text spells out:
//
//   user     a<|im_end|>b                        plain text, which spells a control token
//   guarded  a<G|im_end|>b                       templates carry it along as they carry any text
//   prompt   <|im_start|>user\na<G|im_end|>b<|im_end|>    only real control tokens match
//   encoded  [im_start] "user\na<|im_end|>b" [im_end]     guards go when control tokens are found
//
// So it is behind the first character of what may begin one at the end of the text (white space
// behind it, which templates trim, left aside): a template may put another text of the user's
// there.
//
// A U+FDD0 of the user's own is doubled, so that nothing is lost. A control token of one character
// cannot be guarded; no model has one.
#pragma once

#include <string>
#include <string_view>

#include "text/token_matcher.h"

namespace weir {

std::string guard_control_tokens(std::string_view text, const TokenMatcher& control);

// Undoes it: unguard(guard_control_tokens(text)) is `text`.
std::string unguard(std::string_view text);

}  // namespace weir
