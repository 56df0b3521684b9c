// Plots as SVG: lines through points with error bars over a logarithmic horizontal axis.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::eval {

struct PlotPoint {
  double x = 0, y = 0, low = 0, high = 0;
  std::string says;  // Shown when pointed at.
};

struct PlotLine {
  std::string name;
  std::vector<PlotPoint> points;  // By x.
};

struct Plot {
  std::string title, x_title, y_title;
  std::vector<PlotLine> lines;
  double base = 0;  // A dashed line across: the full cache.
};

// The beginning of an <svg> element of such a size, with the style of what is in it: it stands
// alone as well as in a page. "</svg>" ends it.
std::string svg_begin(double width, double height);

// An <svg> element. Lines have colours by their place among `lines`.
std::string svg_of(const Plot& plot);

// Text that is safe in HTML and SVG, in attributes, too.
std::string escaped(std::string_view text);

}  // namespace weir::eval
