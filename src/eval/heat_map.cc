#include "eval/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "eval/svg.h"

namespace weir::eval {
namespace {

constexpr double kCellWidth = 12, kCellHeight = 14, kLeft = 46, kTop = 24, kBottom = 38;
constexpr size_t kNumbered = 5;  // Every so many columns and rows have their number.

// From white to a dark blue.
std::string colour(double value, double most) {
  constexpr std::array<double, 3> kLight = {255, 255, 255}, kDark = {8, 48, 107};
  const double share = most > 0 ? std::clamp(value / most, 0.0, 1.0) : 0;
  std::string out = "#";
  for (size_t i = 0; i < kLight.size(); ++i)
    out += fmt::format("{:02x}", std::lround(kLight[i] + share * (kDark[i] - kLight[i])));
  return out;
}

std::string numbers(const HeatMap& map, double bottom) {
  std::string out;
  for (size_t x = 0; x < map.cells.size(); x += kNumbered)
    out += fmt::format(R"(<text x="{:.0f}" y="{:.0f}" text-anchor="middle">{}</text>)",
                       kLeft + (static_cast<double>(x) + 0.5) * kCellWidth, bottom + 14, x);
  for (size_t y = 0; y < map.cells[0].size(); y += kNumbered)
    out += fmt::format(R"(<text x="{:.0f}" y="{:.0f}" text-anchor="end">{}</text>)", kLeft - 4,
                       kTop + (static_cast<double>(y) + 0.8) * kCellHeight, y);
  return out;
}

}  // namespace

std::string svg_of(const HeatMap& map) {
  const double width = kLeft + static_cast<double>(map.cells.size()) * kCellWidth + 10;
  const double bottom = kTop + static_cast<double>(map.cells.at(0).size()) * kCellHeight;
  std::string out = svg_begin(width, bottom + kBottom);
  out += fmt::format(R"(<text class="t" x="0" y="14">{}</text>)", escaped(map.title));
  for (size_t x = 0; x < map.cells.size(); ++x)
    for (size_t y = 0; y < map.cells[x].size(); ++y)
      out += fmt::format(
          R"(<rect x="{:.0f}" y="{:.0f}" width="{:.0f}" height="{:.0f}" fill="{}" stroke="#eee">)"
          "<title>{} {}, {} {}: {:.3f}</title></rect>",
          kLeft + static_cast<double>(x) * kCellWidth, kTop + static_cast<double>(y) * kCellHeight,
          kCellWidth, kCellHeight, colour(map.cells[x][y], map.most), escaped(map.x_title), x,
          escaped(map.y_title), y, map.cells[x][y]);
  out += numbers(map, bottom);
  out += fmt::format(R"(<text x="{:.0f}" y="{:.0f}" text-anchor="middle">{}</text>)",
                     (kLeft + width) / 2, bottom + 32, escaped(map.x_title));
  out += fmt::format(R"(<text x="0" y="{:.0f}">{}</text>)", bottom + 14, escaped(map.y_title));
  return out + "</svg>\n";
}

}  // namespace weir::eval
