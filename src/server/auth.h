// API keys.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::server {

class KeyRing {
 public:
  explicit KeyRing(const std::vector<std::string>& keys);

  // Whether an Authorization field's value carries a known key; always true without keys. Takes the
  // same time for every wrong key.
  bool opens(std::string_view authorization) const;

 private:
  std::vector<std::string> digests_;
};

}  // namespace weir::server
