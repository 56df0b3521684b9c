#include "cli/streamed_text.h"

#include <algorithm>
#include <utility>

namespace weir::cli {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // Half a character decodes to it.

// Bytes at the end of `text` that may begin `stop`.
size_t possible_begin(std::string_view text, std::string_view stop) {
  for (size_t n = std::min(text.size(), stop.size() - 1); n > 0; --n)
    if (text.substr(text.size() - n) == stop.substr(0, n)) return n;
  return 0;
}

}  // namespace

std::string StreamedText::advance(std::string_view text) {
  if (stopped_) return {};
  std::string_view fresh = text.substr(std::min(certain_.size(), text.size()));
  size_t end = fresh.size();
  for (const std::string& stop : stop_)
    if (const size_t at = fresh.find(stop); at != std::string_view::npos && at <= end) {
      end = at;
      stopped_ = true;
    }
  if (!stopped_) {
    while (fresh.substr(0, end).ends_with(kReplacement)) end -= kReplacement.size();
    size_t doubtful = 0;
    for (const std::string& stop : stop_)
      doubtful = std::max(doubtful, possible_begin(fresh.substr(0, end), stop));
    end -= doubtful;
  }
  held_ = stopped_ ? std::string() : std::string(fresh.substr(end));
  certain_ += fresh.substr(0, end);
  return std::string(fresh.substr(0, end));
}

std::string StreamedText::finish() {
  certain_ += held_;
  return std::exchange(held_, {});
}

}  // namespace weir::cli
