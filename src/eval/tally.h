// What was measured of each arm, sample by sample.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "eval/report.h"

namespace weir::eval {

struct ArmTally {
  // [measure][sample]: every arm has the same samples in the same order.
  std::map<std::string, std::vector<double>, std::less<>> measures;
  std::vector<HeadGrid> attention_errors;  // [sample]
  Cost cost;                               // Of the first sample.
};

using Tally = std::vector<ArmTally>;  // [arm]

}  // namespace weir::eval
