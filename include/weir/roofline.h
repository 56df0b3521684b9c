// How near the kernels come to what the machine can do (Williams, Waterman and Patterson, 2009).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

// What all threads of an engine reach together, measured in loops that do nothing else. The same
// instructions as the kernels': multiply-adds of 8-bit integers and of floats, each a pair of
// numbers multiplied and added; and bytes read in order from more memory than caches hold.
struct MachineLimits {
  double integer_macs_per_s = 0, float_macs_per_s = 0, read_bytes_per_s = 0;
};

// What one kind of work took since the profile began.
struct KernelUse {
  std::string name;  // "qkv", "attention", "out", "gate_up", "down", "head", "rest".
  uint64_t calls = 0;
  double seconds = 0;
  uint64_t bytes = 0;         // Of weights, or of keys and values: what must be read at least once.
  uint64_t macs = 0;          // Multiply-adds.
  bool integer_macs = false;  // Of 8-bit integers; else of floats.
};

}  // namespace weir
