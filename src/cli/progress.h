// How far long work has come: a bar on a terminal, a few plain lines elsewhere. On standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace weir::cli {

// Bytes done of a total. Used from one thread.
class Progress {
 public:
  // `what` is what is going on: "loading smollm2".
  explicit Progress(std::string what);
  ~Progress();  // Clears the bar.
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(uint64_t done, uint64_t total);

 private:
  void draw(uint64_t done, uint64_t total);

  const std::string what_;
  const bool terminal_;
  bool drawn_ = false;
  uint64_t tenths_ = 0;  // Of the last plain line.
  std::chrono::steady_clock::time_point last_;
};

// "loading x [#####.....]  50 %  12.0 MB of 24.0 MB", `width` columns of bar.
std::string progress_line(const std::string& what, uint64_t done, uint64_t total, int width);

}  // namespace weir::cli
