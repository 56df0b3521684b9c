// What this machine can do at most, by the ISA in use: the roof that kernels are held against.
#pragma once

#include "weir/roofline.h"

namespace weir {

class ThreadPool;

// Takes about a second and 512 MiB. REQUIRES the pool to be idle.
MachineLimits measure_limits(ThreadPool& pool);

}  // namespace weir
