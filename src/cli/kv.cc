#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/json/array.hpp>
#include <memory>

#include "cli/command.h"
#include "cli/console.h"
#include "weir/kv_methods.h"

namespace weir::cli {
namespace {

boost::json::object json_of(const KvParameter& p) {
  boost::json::object out{{"name", p.name}, {"description", p.description}, {"default", p.initial}};
  if (!p.words.empty()) {
    out["words"] = boost::json::array(p.words.begin(), p.words.end());
    return out;
  }
  const auto number = [&](double x) {
    return p.whole ? boost::json::value(static_cast<int64_t>(x)) : boost::json::value(x);
  };
  out["minimum"] = number(p.least);
  if (p.least_positive > 0) out["least_positive"] = number(p.least_positive);
  out["maximum"] = number(p.most);
  out["whole"] = p.whole;
  return out;
}

boost::json::object json_of(const KvMethod& m) {
  boost::json::array parameters;
  for (const KvParameter& p : m.parameters) parameters.push_back(json_of(p));
  return {{"name", m.name},
          {"role", m.role},
          {"paper", m.paper},
          {"description", m.description},
          {"observes", m.observes},
          {"bytes_per_row", m.bytes_per_row},
          {"bytes_per_query_head", m.bytes_per_query_head},
          {"bytes_per_page_dim", m.bytes_per_page_dim},
          {"bytes_per_page", m.bytes_per_page},
          {"bytes_per_token", m.bytes_per_token},
          {"parameters", std::move(parameters)}};
}

std::string bounds(const KvParameter& p) {
  if (!p.words.empty()) return fmt::format("{}", fmt::join(p.words, " or "));
  if (p.least_positive > 0) return fmt::format("0 or {} to {}", p.least_positive, p.most);
  return fmt::format("{} to {}", p.least, p.most);
}

// What it holds beside keys and values.
std::string held(const KvMethod& m) {
  std::string out;
  if (m.bytes_per_row) out += fmt::format("; beside key and value {}", m.bytes_per_row);
  if (m.bytes_per_query_head)
    out += fmt::format(", and {} for each of its query heads", m.bytes_per_query_head);
  if (m.bytes_per_page_dim)
    out += fmt::format("; beside 64 keys and values {} for each dimension, and {}",
                       m.bytes_per_page_dim, m.bytes_per_page);
  return out;
}

void print(const KvMethod& m) {
  put(fmt::format("{}={}\n  {}\n  {}\n  {:.4g} bytes a token{}; observes {}\n", m.role, m.name,
                  m.description, m.paper, m.bytes_per_token, held(m), m.observes));
  for (const KvParameter& p : m.parameters)
    put(fmt::format("    {:<10}{:<8}{:<24}{}\n", p.name, p.initial, bounds(p), p.description));
  put("\n");
}

int list(bool as_json) {
  boost::json::array methods;
  for (const KvMethod& m : kv_methods()) {
    if (as_json)
      methods.push_back(json_of(m));
    else
      print(m);
  }
  if (as_json)
    put_json({{"methods", std::move(methods)}});
  else
    put("A recipe names one of each role, --kv 'keep=snapkv(budget=0.2,window=32);store=int8'; "
        "keep=all drops nothing, store=raw encodes nothing, read=all reads everything.\n"
        "Bytes are those of a row that stays, in one layer and KV head; bytes a token are all of "
        "them with the defaults, " +
        fmt::format(
            "for a head of {} dimensions and one query head; as it is, at 16 bits, it takes {}.\n",
            kSampleHeadDim, kSampleRowBytes));
  return kSuccess;
}

}  // namespace

void add_kv(CLI::App& command, Job& job) {
  command.require_subcommand(1);
  auto as_json = std::make_shared<bool>(false);
  CLI::App* methods = command.add_subcommand("methods", "The methods that a recipe may name");
  methods->add_flag("--json", *as_json, "Print one JSON object");
  methods->callback([as_json, &job] { job = [as_json] { return list(*as_json); }; });
}

}  // namespace weir::cli
