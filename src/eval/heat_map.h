// A grid of values as SVG, the darker the greater.
#pragma once

#include <string>
#include <vector>

namespace weir::eval {

struct HeatMap {
  std::string title, x_title, y_title;
  std::vector<std::vector<double>> cells;  // [column][row], columns of one length.
  double most = 1;  // What is as dark as can be; greater values are no darker.
};

// An <svg> element. Pointing at a cell shows its value.
std::string svg_of(const HeatMap& map);

}  // namespace weir::eval
