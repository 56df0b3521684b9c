// Where a step's time goes, by kind of work. Off unless asked for; then it costs two readings of
// the clock for each piece of work.
#pragma once

#include <array>
#include <chrono>
#include <vector>

#include "weir/roofline.h"

namespace weir {

class Profile {
 public:
  enum Kind : size_t { kQkv, kAttention, kOut, kGateUp, kDown, kHead, kStep, kKinds };

  // What must be read and computed at the least.
  struct Work {
    uint64_t bytes = 0, macs = 0;
    bool integer = false;

    Work& operator+=(const Work& other) {
      bytes += other.bytes, macs += other.macs, integer |= other.integer;
      return *this;
    }
  };

  // Begins anew, or stops.
  void start(bool on) {
    on_ = on;
    uses_ = {};
  }
  bool on() const { return on_; }

  template <typename Function>
  void time(Kind kind, const Work& work, const Function& function) {
    if (!on_) return function();
    const auto start = std::chrono::steady_clock::now();
    function();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    KernelUse& use = uses_[kind];
    ++use.calls;
    use.seconds += took.count();
    use.bytes += work.bytes;
    use.macs += work.macs;
    use.integer_macs = work.integer;
  }

  // By kind; the last, "rest", is what of the steps' time no other kind has.
  std::vector<KernelUse> uses() const {
    constexpr std::array<const char*, kKinds> kNames = {"qkv",  "attention", "out", "gate_up",
                                                        "down", "head",      "rest"};
    std::vector<KernelUse> out(uses_.begin(), uses_.end());
    for (size_t i = 0; i < kKinds; ++i) {
      out[i].name = kNames[i];
      if (i != kStep) out[kStep].seconds -= out[i].seconds;
    }
    return out;
  }

 private:
  bool on_ = false;
  std::array<KernelUse, kKinds> uses_;
};

}  // namespace weir
