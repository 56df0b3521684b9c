#include "server/api/utf8.h"

#include <algorithm>

#include "text/utf8.h"

namespace weir::server {

bool is_valid_utf8(std::string_view bytes) {
  return valid_utf8_bytes(bytes) == bytes.size();
}

size_t valid_utf8_bytes(std::string_view bytes) {
  return utf8_valid_length(bytes);
}

std::string to_valid_utf8(std::string_view bytes) {
  return utf8_replace(bytes);
}

size_t count_characters(std::string_view bytes) {
  return static_cast<size_t>(std::count_if(bytes.begin(), bytes.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace weir::server
