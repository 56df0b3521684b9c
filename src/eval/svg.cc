#include "eval/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace weir::eval {
namespace {

// The plot's own sides, and the legend beside it, which is as wide as its longest name.
constexpr double kLeft = 64, kRight = 430, kTop = 30, kBottom = 294, kHeight = 340;
constexpr double kLegendLeast = 130, kLegendMargin = 30, kLetter = 6.5;
constexpr double kLegendTop = kTop + 14, kLegendStep = 18;
constexpr std::array<std::string_view, 10> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                       "#8c6d00", "#56b4e9", "#7f3fbf", "#444444",
                                                       "#b22222", "#4f7f00"};

// Lines beyond the number of colours have the same ones again, dashed, with hollow points.
struct Look {
  std::string_view stroke, fill, dashes;
};

Look look_of(size_t line) {
  const std::string_view colour = kColours[line % kColours.size()];
  return line < kColours.size() ? Look{colour, colour, "none"} : Look{colour, "#fff", "5 3"};
}

struct Axis {
  double least, most, from, to;  // Values, and where they lie.
  double at(double value) const { return from + (value - least) / (most - least) * (to - from); }
};

// 1, 2 or 5 times a power of ten: about `count` of them on the way.
double step_of(double range, int count) {
  const double raw = range / count, power = std::pow(10, std::floor(std::log10(raw)));
  for (double times : {1.0, 2.0, 5.0})
    if (raw <= times * power) return times * power;
  return 10 * power;
}

class Drawing {
 public:
  explicit Drawing(const Plot& plot) : plot_(plot) { find_bounds(); }
  std::string text();

 private:
  void find_bounds();
  double legend_width() const;
  void draw_x_axis();
  void draw_y_axis();
  void draw(const PlotLine& line, const Look& look);
  template <typename... T>
  void add(fmt::format_string<T...> format, T&&... values) {
    out_ += fmt::format(format, std::forward<T>(values)...);
  }

  const Plot& plot_;
  Axis x_{}, y_{};  // x_ of logarithms.
  std::string out_;
};

void Drawing::find_bounds() {
  double x0 = INFINITY, x1 = -INFINITY, y0 = plot_.base, y1 = plot_.base;
  for (const PlotLine& line : plot_.lines)
    for (const PlotPoint& p : line.points) {
      x0 = std::min(x0, std::log(p.x)), x1 = std::max(x1, std::log(p.x));
      y0 = std::min({y0, p.low, p.y}), y1 = std::max({y1, p.high, p.y});
    }
  if (!(x0 < x1)) x0 = std::isfinite(x0) ? x0 - 1 : 0, x1 = x0 + 2;
  if (!(y0 < y1)) y0 -= 1, y1 += 1;
  const double margin = 0.04;
  x_ = {x0 - margin * (x1 - x0), x1 + margin * (x1 - x0), kLeft, kRight};
  y_ = {y0 - margin * (y1 - y0), y1 + margin * (y1 - y0), kBottom, kTop};
}

double Drawing::legend_width() const {
  double width = kLegendLeast;
  for (const PlotLine& line : plot_.lines)
    width = std::max(width, kLegendMargin + kLetter * static_cast<double>(line.name.size()));
  return width;
}

void Drawing::draw_x_axis() {
  const double y = kBottom;
  const auto tick = [&](double value) {
    const double x = x_.at(std::log(value));
    if (x < kLeft || x > kRight) return;
    add(R"(<line class="g" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"/>)", x, kTop, y);
    add(R"(<text x="{:.1f}" y="{}" text-anchor="middle">{:g}</text>)", x, y + 16, value);
  };
  for (double power = 1e-6; power < 1e13; power *= 10)
    for (double times : {1.0, 2.0, 5.0}) tick(times * power);
  add(R"(<text x="{}" y="{}" text-anchor="middle">{}</text>)", (kLeft + kRight) / 2, kHeight - 8,
      escaped(plot_.x_title));
}

void Drawing::draw_y_axis() {
  const double step = step_of(y_.most - y_.least, 5);
  for (double v = std::ceil(y_.least / step) * step; v <= y_.most; v += step) {
    const double shown = std::abs(v) < step / 1000 ? 0 : v;
    add(R"(<line class="g" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>)", kLeft, kRight, y_.at(v),
        y_.at(v));
    add(R"(<text x="{}" y="{:.1f}" text-anchor="end">{:g}</text>)", kLeft - 6, y_.at(v) + 4, shown);
  }
  const double middle = (kTop + kBottom) / 2;
  add(R"x(<text x="14" y="{0}" text-anchor="middle" transform="rotate(-90 14 {0})">{1}</text>)x",
      middle, escaped(plot_.y_title));
  add(R"(<line class="b" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>)", kLeft, kRight,
      y_.at(plot_.base));
}

void Drawing::draw(const PlotLine& line, const Look& look) {
  std::string path;
  for (const PlotPoint& p : line.points) {
    const double x = x_.at(std::log(p.x));
    path += fmt::format("{:.1f},{:.1f} ", x, y_.at(p.y));
    add(R"(<line stroke="{0}" x1="{1:.1f}" x2="{1:.1f}" y1="{2:.1f}" y2="{3:.1f}"/>)", look.stroke,
        x, y_.at(p.low), y_.at(p.high));
    add(R"(<circle fill="{}" stroke="{}" cx="{:.1f}" cy="{:.1f}" r="4"><title>{}</title></circle>)",
        look.fill, look.stroke, x, y_.at(p.y), escaped(p.says));
  }
  add(R"(<polyline fill="none" stroke="{}" stroke-dasharray="{}" points="{}"/>)", look.stroke,
      look.dashes, path);
}

std::string Drawing::text() {
  const double legend_end = kLegendTop + kLegendStep * static_cast<double>(plot_.lines.size());
  out_ = svg_begin(kRight + legend_width(), std::max(kHeight, legend_end));
  add(R"(<text class="t" x="{}" y="16">{}</text>)", kLeft, escaped(plot_.title));
  draw_x_axis();
  draw_y_axis();
  for (size_t i = 0; i < plot_.lines.size(); ++i) {
    const Look look = look_of(i);
    draw(plot_.lines[i], look);
    const double y = kLegendTop + kLegendStep * static_cast<double>(i), x = kRight + 12;
    add(R"(<circle fill="{}" stroke="{}" cx="{}" cy="{}" r="4"/>)", look.fill, look.stroke, x,
        y - 4);
    add(R"(<text x="{}" y="{}">{}</text>)", x + 10, y, escaped(plot_.lines[i].name));
  }
  return out_ + "</svg>\n";
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string svg_begin(double width, double height) {
  return fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}">)"
      "<style>text{{font:12px system-ui,sans-serif;fill:#333}}.t{{font-weight:600}}"
      ".g{{stroke:#e4e4e4}}.b{{stroke:#888;stroke-dasharray:5 4}}polyline{{stroke-width:1.6}}"
      "</style>",
      width, height);
}

std::string svg_of(const Plot& plot) {
  return Drawing(plot).text();
}

}  // namespace weir::eval
