// The report as a page: for each context, quality against bytes, one plot a measure, and the table.
#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "eval/heat_map.h"
#include "eval/report.h"
#include "eval/svg.h"

namespace weir::eval {
namespace {

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>weir eval</title><style>
body{font:15px/1.45 system-ui,sans-serif;color:#222;background:#fff;margin:2em auto;
max-width:1180px;padding:0 1em}
svg{margin:0 1em 1em 0}
pre{font-size:12px;overflow-x:auto;background:#f6f6f6;padding:1em}
</style></head><body>
)";

struct Shown {
  std::string measure, title, unit;
  bool change;  // What differs from the full cache, or what is.
};

std::vector<Shown> shown(const ContextReport& c) {
  std::vector<Shown> out = {
      {std::string(kKl), "KL divergence from the full cache", "nats a token", false},
      {std::string(kSameTop), "Same likeliest token as the full cache", "share", false},
      {std::string(kRight), "Right token's log-probability", "change, nats", true},
      {std::string(kSecondCopy), "Second copy of a passage", "change of NLL, nats", true},
      {std::string(kAttentionError), "Attention-output error, all heads", "relative", false}};
  for (const TaskReport& t : c.tasks)
    if (t.reported()) out.push_back({t.name, t.name + ": accuracy", "share", false});
  return out;
}

PlotPoint point(const ArmReport& a, const Measure& m, bool change) {
  const double shift = change ? 0 : m.mean - m.change.mean;  // The full cache's own mean.
  return {a.cost.bytes / 1e3, m.change.mean + shift, m.change.low + shift, m.change.high + shift,
          fmt::format("{}: {:.3f} at {:.0f} KB", a.arm.recipe, m.change.mean + shift,
                      a.cost.bytes / 1e3)};
}

Plot plot(const ContextReport& c, const Shown& what) {
  Plot out{what.title, "KB of KV cache after the prompt", what.unit, {}, 0};
  if (!what.change) out.base = c.arms[0].measures.at(what.measure).mean;
  for (const ArmReport& a : c.arms) {
    const auto line = std::ranges::find(out.lines, a.arm.method, &PlotLine::name);
    PlotLine& to = line != out.lines.end() ? *line : out.lines.emplace_back(a.arm.method);
    to.points.push_back(point(a, a.measures.at(what.measure), what.change));
  }
  for (PlotLine& line : out.lines) std::ranges::sort(line.points, {}, &PlotPoint::x);
  return out;
}

// How much worse each part of a text that came in pieces was foreseen: a line for each recipe.
std::string by_position(const ContextReport& c) {
  Plot out{"A text in pieces: change of NLL by position", "tokens before", "nats a token", {}, 0};
  for (const ArmReport& a : c.arms | std::views::drop(1)) {
    PlotLine line{a.arm.recipe, {}};
    for (const Bucket& b : c.positions) {
      const Interval& i = a.measures.at(bucket_name(kStreamNll, b)).change;
      line.points.push_back(
          {static_cast<double>(b.last), i.mean, i.low, i.high,
           fmt::format("{}: {:+.3f} at {} to {}", a.arm.recipe, i.mean, b.first, b.last)});
    }
    out.lines.push_back(std::move(line));
  }
  return svg_of(out);
}

// A map of layers and heads for each recipe, all in one scale.
std::string attention_maps(const ContextReport& c) {
  double most = 0;
  for (const ArmReport& a : c.arms)
    for (const auto& heads : a.attention_errors) most = std::max(most, std::ranges::max(heads));
  std::string out = fmt::format(
      "<h3>Attention-output error by layer and head, from 0 (white) to {:.3f}</h3>\n", most);
  for (const ArmReport& a : c.arms | std::views::drop(1))
    out += svg_of(HeatMap{fmt::format("{}: {:.3f}", a.arm.recipe, mean(a.attention_errors)),
                          "layer", "head", a.attention_errors, most});
  return out;
}

}  // namespace

std::string html_of(const Report& r) {
  std::string out(kHead);
  out += fmt::format("<h1>KV methods on {}</h1>\n", escaped(r.model));
  out +=
      "<p>Each point is a recipe; bars hold 95 % of a paired bootstrap over samples of what "
      "differs from the full cache, which is the dashed line. Two recipes whose bars overlap may "
      "still differ in every sample.</p>\n";
  for (const ContextReport& c : r.contexts) {
    out += fmt::format("<h2>{} tokens of context</h2>\n", c.context);
    for (const Shown& what : shown(c)) out += svg_of(plot(c, what));
    if (!c.positions.empty()) out += by_position(c);
    out += attention_maps(c);
  }
  return out + "<h2>All figures</h2>\n<pre>" + escaped(table_of(r)) + "</pre>\n</body></html>\n";
}

}  // namespace weir::eval
