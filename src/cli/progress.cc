#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "cli/console.h"

namespace weir::cli {

std::string progress_line(const std::string& what, uint64_t done, uint64_t total, int width) {
  const double share =
      total ? std::min(1.0, static_cast<double>(done) / static_cast<double>(total)) : 0;
  const int full = static_cast<int>(share * width);
  return fmt::format("{} [{:#<{}}{:.<{}}] {:3.0f} %  {} of {}", what, "", full, "", width - full,
                     std::min(share * 100, done < total ? 99.0 : 100.0), human_bytes(done),
                     human_bytes(total));
}

Progress::Progress(std::string what)
    : what_(std::move(what)),
      terminal_(errors_are_terminal()),
      last_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (terminal_ && drawn_) fmt::print(stderr, "\r\033[K");
}

void Progress::update(uint64_t done, uint64_t total) {
  constexpr std::chrono::milliseconds kBetween{100};
  const auto now = std::chrono::steady_clock::now();
  if (terminal_) {
    if (drawn_ && now - last_ < kBetween && done < total) return;
    last_ = now;
    draw(done, total);
  } else if (const uint64_t tenths = total ? done * 10 / total : 0; tenths > tenths_) {
    tenths_ = tenths;  // A fast load is not worth a line.
    if (now - last_ < std::chrono::seconds(2)) return;
    last_ = now;
    fmt::print(stderr, "{}: {} %\n", what_, tenths * 10);
  }
}

void Progress::draw(uint64_t done, uint64_t total) {
  drawn_ = true;
  fmt::print(stderr, "\r\033[K{}", progress_line(what_, done, total, 30));
  std::fflush(stderr);
}

}  // namespace weir::cli
