// The `loop` variable, by the rules of jinja2's LoopContext.
#include <fmt/format.h>

#include "text/jinja_interpreter.h"
#include "text/jinja_ops.h"

namespace weir::jinja {
namespace {

Result<Value> cycle(Runtime&, const Value& self, const Args& args) {
  const auto& items = args.raw().positional;
  if (items.empty()) return type_error("no items for cycling given");
  const auto index = static_cast<std::size_t>(std::max<std::int64_t>(self.as<Loop>()->index0(), 0));
  return items[index % items.size()];
}

Result<Value> changed(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(Value values, runtime.heap.tuple(args.raw().positional));
  WEIR_ASSIGN(const bool differs, self.as<Loop>()->changed(std::move(values)));
  return Value(differs);
}

constexpr BuiltinRow kLoopMethods[] = {{"cycle", "*", 0, cycle}, {"changed", "*", 0, changed}};

using Found = Result<std::optional<Value>>;
Found found(std::int64_t number) {
  return std::optional<Value>(Value(number));
}

}  // namespace

// The next item that passes the filter.
Result<std::optional<Value>> Loop::pull() {
  while (at_ < items_.size()) {
    const Value& item = items_[at_++];
    WEIR_TRY(in_.heap.spend(1));
    if (!node_.filter) return std::optional<Value>(item);
    const Interpreter::Entered inner(in_, std::make_shared<Scope>(Scope{scope_, {}}));
    WEIR_TRY(in_.assign(node_.target, item));
    WEIR_ASSIGN(const Value passes, in_.eval(*node_.filter));
    if (passes.truthy()) return std::optional<Value>(item);
  }
  return std::optional<Value>();
}

Result<std::optional<Value>> Loop::peek() {
  if (pulled_.empty()) {
    WEIR_ASSIGN(const auto item, pull());
    if (item) pulled_.push_back(*item);
  }
  return pulled_.empty() ? std::optional<Value>() : std::optional<Value>(pulled_.back());
}

Result<std::optional<Value>> Loop::next() {
  WEIR_ASSIGN(auto item, peek());
  if (!item) return item;
  pulled_.pop_back();
  ++index0_;
  before_ = std::exchange(current_, item);
  return item;
}

// With a filter, the length is known only once every item has been tried.
Result<std::int64_t> Loop::count() {
  if (!node_.filter) return static_cast<std::int64_t>(items_.size());
  if (!drained_) {
    std::vector<Value> ahead(pulled_.rbegin(), pulled_.rend());
    for (;;) {
      WEIR_ASSIGN(const auto item, pull());
      if (!item) break;
      ahead.push_back(*item);
    }
    pulled_.assign(ahead.rbegin(), ahead.rend());
    drained_ = true;
  }
  return index0_ + 1 + static_cast<std::int64_t>(pulled_.size());
}

Result<Value> Loop::neighbour(bool previous) {
  if (previous) {
    if (index0_ == 0) return in_.heap.undefined("there is no previous item");
    return before_.value_or(Value());
  }
  WEIR_ASSIGN(const auto item, peek());
  return item ? *item : in_.heap.undefined("there is no next item");
}

Result<bool> Loop::changed(Value values) {
  bool same = false;
  if (last_changed_) {
    WEIR_ASSIGN(same, equal(in_, *last_changed_, values));
  }
  last_changed_ = std::move(values);
  return !same;
}

Result<std::optional<Value>> Loop::attribute(Runtime& runtime, std::string_view name) {
  if (name == "index0") return found(index0_);
  if (name == "index") return found(index0_ + 1);
  if (name == "first") return std::optional<Value>(index0_ == 0);
  if (name == "depth") return found(1);
  if (name == "depth0") return found(0);
  if (name == "last") {
    WEIR_ASSIGN(const auto item, peek());
    return std::optional<Value>(!item.has_value());
  }
  if (name == "previtem" || name == "nextitem") {
    WEIR_ASSIGN(Value item, neighbour(name == "previtem"));
    return std::optional<Value>(std::move(item));
  }
  if (name == "length" || name == "revindex" || name == "revindex0") {
    WEIR_ASSIGN(const std::int64_t size, count());
    if (name == "length") return found(size);
    return found(size - index0_ - (name == "revindex0" ? 1 : 0));
  }
  const BuiltinRow* row = find_row(kLoopMethods, name);
  if (row == nullptr) return std::optional<Value>();
  WEIR_ASSIGN(Object * method, runtime.heap.make<Function>(128, row, Value(this)));
  return std::optional<Value>(method);
}

}  // namespace weir::jinja
