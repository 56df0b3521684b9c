#include "kv/method.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/check.h"

namespace weir {
namespace {

Status invalid(std::string message) {
  return fail(Code::kInvalid, std::move(message), "kv");
}

std::string bounds(const Parameter& p) {
  if (!p.words.empty()) return fmt::format("one of {}", fmt::join(p.words, ", "));
  const bool or_zero = p.least_positive > 0;
  return fmt::format("{}{} from {} to {}", or_zero ? "0 or " : "",
                     p.whole ? "a whole number" : "a number", or_zero ? p.least_positive : p.least,
                     p.most);
}

bool may_be(const Parameter& p, double number) {
  return number >= p.least && number <= p.most && (number <= 0 || number >= p.least_positive) &&
         !(p.whole && number != std::trunc(number));
}

}  // namespace

Arguments::Arguments(const MethodInfo& method) : method_(&method) {
  for (const Parameter& p : method.parameters) values_.push_back(p.initial);
}

Status Arguments::set(std::string_view name, std::string_view value) {
  const auto& all = method_->parameters;
  const auto found = std::ranges::find(all, name, &Parameter::name);
  if (found == all.end()) {
    std::string known;
    for (const Parameter& p : all) known += fmt::format("{}{}", known.empty() ? "" : ", ", p.name);
    return invalid(fmt::format("kv: {} has no parameter '{}'; it has: {}", method_->name, name,
                               known.empty() ? "none" : known));
  }
  const Parameter& p = *found;
  double& to = values_[static_cast<size_t>(found - all.begin())];
  if (const auto word = std::ranges::find(p.words, value); word != p.words.end()) {
    to = static_cast<double>(word - p.words.begin());
    return {};
  }
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool read = error == std::errc() && end == value.data() + value.size() && p.words.empty();
  if (!read || !may_be(p, number))
    return invalid(
        fmt::format("kv: {} of {} must be {}, not '{}'", name, method_->name, bounds(p), value));
  to = number;
  return {};
}

size_t Arguments::index(std::string_view name) const {
  const auto found = std::ranges::find(method_->parameters, name, &Parameter::name);
  WEIR_CHECK(found != method_->parameters.end(), "{} has no {}", method_->name, name);
  return static_cast<size_t>(found - method_->parameters.begin());
}

double Arguments::real(std::string_view name) const {
  return values_[index(name)];
}

std::string_view Arguments::word(std::string_view name) const {
  const size_t i = index(name);
  return method_->parameters[i].words.at(static_cast<size_t>(values_[i]));
}

std::string Arguments::written(std::string_view name) const {
  const size_t i = index(name);
  return method_->parameters[i].words.empty() ? fmt::format("{}", values_[i])
                                              : std::string(word(name));
}

std::string Arguments::text() const {
  std::string out;
  for (const Parameter& p : method_->parameters)
    out += fmt::format("{}{}={}", out.empty() ? "" : ",", p.name, written(p.name));
  return out;
}

}  // namespace weir
