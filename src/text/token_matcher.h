// Finds tokens written out in text: at each place the longest.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/options.h"

namespace weir {

class TokenMatcher {
 public:
  struct Match {
    size_t offset = 0;
    size_t length = 0;
    Token token = 0;
  };

  TokenMatcher() = default;
  // Texts are not empty; of equal ones the lowest token counts.
  explicit TokenMatcher(std::vector<std::pair<std::string, Token>> entries);

  // The longest entry that `text` begins with.
  std::optional<Match> match(std::string_view text) const;
  // Whether `text` is how an entry begins, and not all of it.
  bool begins(std::string_view text) const;
  size_t longest() const { return longest_; }  // Bytes of the longest entry; 0 of none.
  // The leftmost match at or after `from`; of those at one place the longest.
  std::optional<Match> find(std::string_view text, size_t from) const;

 private:
  size_t longest_ = 0;
  std::vector<std::pair<std::string, Token>> entries_;  // Sorted.
  std::array<uint32_t, 257> first_{};  // Entries with first byte b: [first_[b], first_[b + 1]).
};

}  // namespace weir
