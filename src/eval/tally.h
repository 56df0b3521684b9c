// What was measured of each arm, sample by sample.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace weir::eval {

// [arm][measure][sample]: every arm has the same samples in the same order.
using Tally = std::vector<std::map<std::string, std::vector<double>, std::less<>>>;

}  // namespace weir::eval
