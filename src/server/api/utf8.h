// UTF-8 at the edge: nothing invalid leaves the server.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::server {

bool is_valid_utf8(std::string_view bytes);
// How many bytes stand before the first that is not valid; all, if none is.
size_t valid_utf8_bytes(std::string_view bytes);

// Each maximal ill-formed part becomes one U+FFFD (Unicode, chapter 3, "best practice").
std::string to_valid_utf8(std::string_view bytes);

// Code points that begin in `bytes`; a character cut into pieces counts where it begins.
size_t count_characters(std::string_view bytes);

}  // namespace weir::server
