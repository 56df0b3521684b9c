// The share of the machine's limits that each kind of work reaches (`weir bench speed --roofline`).
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "cli/speed.h"
#include "weir/roofline.h"

namespace weir::cli {

struct Roofline {
  MachineLimits limits;
  std::vector<KernelUse> prefill, decode;
};

// Runs `run` once more, its pieces timed.
Result<Roofline> measure_roofline(Engine& engine, const SpeedRun& run);

// Of what limits the work most: memory or arithmetic. 1 is the limit itself.
double share_of_limit(const KernelUse& use, const MachineLimits& limits);

boost::json::object json_of(const Roofline& roofline);
std::string text_of(const Roofline& roofline);

}  // namespace weir::cli
