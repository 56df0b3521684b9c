#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::cli {

// Text that grows token by token, shown as far as it is certain: whole characters only, and nothing
// that may still begin a stop text.
class StreamedText {
 public:
  explicit StreamedText(std::vector<std::string> stop) : stop_(std::move(stop)) {}

  // `text` is all of it so far, and begins as it did before. Returns what can be shown in addition.
  std::string advance(std::string_view text);
  // Nothing follows: what was held back.
  std::string finish();

  bool stopped() const { return stopped_; }             // A stop text has come.
  const std::string& text() const { return certain_; }  // All that was returned.

 private:
  std::vector<std::string> stop_;
  std::string certain_, held_;
  bool stopped_ = false;
};

}  // namespace weir::cli
