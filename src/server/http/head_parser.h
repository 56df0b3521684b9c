// The head of a request, read strictly by RFC 9112. What that document lets a server forgive (bare
// LF, obs-fold, space before the colon, repeated lengths) is refused: two readers that forgive
// differently are how requests get smuggled.
#pragma once

#include <optional>
#include <string_view>

#include "server/http/message.h"

namespace weir::server {

inline constexpr size_t kHeadersMax = 100;

// Whether a byte may follow `previous` anywhere in a head: visible text, space, tab, obs-text, and
// CR LF in pairs. Lets a reader refuse at the first wrong byte.
bool may_follow(char previous, char byte);

// `head` ends with its empty line. Fills all but the body and id, or says why not.
std::optional<Refusal> parse_head(std::string_view head, HttpRequest& request);

// RFC 9110's token: what names of methods and fields are made of.
bool is_token(std::string_view text);
// ASCII letters in lower case.
std::string lower(std::string_view text);
// Without the spaces and tabs around it.
std::string_view trim(std::string_view text);

}  // namespace weir::server
