// The report for programs: docs/eval.md names the fields.
#include <boost/json.hpp>

#include "eval/report.h"

namespace weir::eval {
namespace {

namespace json = boost::json;

json::object object(const Measure& m) {
  return {{"mean", m.mean},
          {"change", m.change.mean},
          {"change_low", m.change.low},
          {"change_high", m.change.high},
          {"samples", json::array(m.samples.begin(), m.samples.end())}};
}

json::object object(const ArmReport& a, double full_bytes) {
  json::object measures;
  for (const auto& [name, measure] : a.measures) measures[name] = object(measure);
  json::array layers;
  for (const auto& heads : a.attention_errors)
    layers.push_back(json::array(heads.begin(), heads.end()));
  return {{"method", a.arm.method},
          {"recipe", a.arm.recipe},
          {"bytes", a.cost.bytes},
          {"bytes_share", a.cost.bytes / full_bytes},
          {"bytes_peak", a.cost.bytes_peak},
          {"prefill_s", a.cost.prefill_s},
          {"decode_s", a.cost.decode_s},
          {"measures", std::move(measures)},
          {"attention_error_by_head", std::move(layers)}};
}

json::object object(const TaskReport& t) {
  return {{"name", t.name},     {"mode", mode_name(t.mode)}, {"turns", t.turns},
          {"full", t.full},     {"contexts", t.contexts},    {"questions", t.questions},
          {"chance", t.chance}, {"threshold", t.threshold},  {"reported", t.reported()}};
}

json::object object(const ContextReport& c) {
  json::array arms, tasks;
  for (const ArmReport& a : c.arms) arms.push_back(object(a, c.arms[0].cost.bytes));
  for (const TaskReport& t : c.tasks) tasks.push_back(object(t));
  json::array positions;
  for (const Bucket& b : c.positions) positions.push_back(json::array{b.first, b.last});
  return {{"context", c.context},
          {"samples", c.samples},
          {"recipes", std::move(arms)},
          {"tasks", std::move(tasks)},
          {"stream_positions", std::move(positions)}};
}

}  // namespace

std::string json_of(const Report& r) {
  json::array contexts;
  for (const ContextReport& c : r.contexts) contexts.push_back(object(c));
  return json::serialize(json::object{{"model", r.model},
                                      {"model_digest", r.digest},
                                      {"isa", r.isa},
                                      {"arithmetic", r.arithmetic},
                                      {"kv_cache_dtype", r.kv_type},
                                      {"text", r.text.name},
                                      {"text_bytes", r.text.bytes},
                                      {"text_tokens", r.text.tokens},
                                      {"text_sha256", r.text.sha256},
                                      {"samples", r.samples},
                                      {"seed", r.seed},
                                      {"contexts", std::move(contexts)}}) +
         "\n";
}

}  // namespace weir::eval
