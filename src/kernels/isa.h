// Which instruction set the kernels use: the best that this machine has, or the one that WEIR_ISA
// names.
#pragma once

#include <span>
#include <string_view>

#include "weir/status.h"

namespace weir {

// "scalar", "avx2", ...: those that this binary holds and this machine runs, worst first.
std::span<const std::string_view> available_isas();

// kInvalid where WEIR_ISA names none of them: programs call this first and print the message. (The
// kernels then use the best.)
Status check_isa();

// The one in use. Fixed at the first call from WEIR_ISA or the machine; set_isa changes it (tests
// and benchmarks; no kernel may be running).
std::string_view isa();
Status set_isa(std::string_view name);

}  // namespace weir
