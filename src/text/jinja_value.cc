#include "text/jinja_value.h"

#include <array>

#include "text/jinja_builtin.h"
#include "text/jinja_ops.h"

namespace weir::jinja {

Text::Text(std::string chars, std::shared_ptr<std::size_t> account, std::size_t charge)
    : chars_(std::move(chars)), account_(std::move(account)), charge_(charge) {
  *account_ += charge_;
}

Text::~Text() {
  if (account_) *account_ -= charge_;
}

std::string Value::why() const {
  const TextPtr& why = std::get<Undefined>(v_).why;
  return why ? why->chars() : "the value is undefined";
}

bool Value::truthy() const {
  if (is_object()) return object()->truthy();
  if (is_string()) return !str().empty();
  if (is_number()) return is_double() ? number() != 0.0 : integral() != 0;
  return false;
}

std::string_view Value::type_name() const {
  static constexpr std::array<std::string_view, 6> kNames = {"Undefined", "NoneType", "bool",
                                                             "int",       "float",    "str"};
  return is_object() ? object()->type_name() : kNames[v_.index()];
}

bool Value::same(const Value& other) const {
  if (v_.index() != other.v_.index()) return false;
  if (is_object()) return object() == other.object();
  if (is_string()) return str() == other.str();
  if (is_double()) return number() == other.number();
  if (is_integral()) return integral() == other.integral();
  return true;
}

Result<std::optional<Value>> Object::attribute(Runtime&, std::string_view) {
  return std::optional<Value>();
}

Result<Value> Object::call(Runtime&, const CallArgs&) {
  return type_error("'" + std::string(type_name()) + "' object is not callable");
}

Result<std::optional<Value>> GroupTuple::attribute(Runtime&, std::string_view name) {
  if (name == "grouper") return std::optional<Value>(items()[0]);
  if (name == "list") return std::optional<Value>(items()[1]);
  return std::optional<Value>();
}

std::optional<std::size_t> Range::length() const {
  // The arguments are bounded where ranges are made, so no difference overflows.
  const std::int64_t span = step_ > 0 ? stop_ - start_ : start_ - stop_;
  const std::int64_t stride = step_ > 0 ? step_ : -step_;
  return span <= 0 ? 0 : static_cast<std::size_t>((span - 1) / stride + 1);
}

std::optional<std::vector<Value>> Range::iterate() {
  std::vector<Value> items;
  for (std::size_t i = 0; i < *length(); ++i) items.emplace_back(at(i));
  return items;
}

std::optional<std::vector<Value>> Generator::iterate() {
  std::vector<Value> rest(items_.begin() + static_cast<std::ptrdiff_t>(at_), items_.end());
  at_ = items_.size();
  return rest;
}

std::optional<Value> Generator::next() {
  if (at_ == items_.size()) return std::nullopt;
  return items_[at_++];
}

Result<Value> Function::call(Runtime& runtime, const CallArgs& args) {
  return call_builtin(runtime, *row_, self_, args);
}

}  // namespace weir::jinja
