// map, select and their kin, and the filters that choose between values.
#include <fmt/format.h>

#include "text/jinja_builtin.h"
#include "text/jinja_getter.h"
#include "text/jinja_ops.h"

namespace weir::jinja {
namespace {

using Items = std::vector<Value>;

// The arguments after the first `count`.
Result<CallArgs> rest(Runtime& runtime, const CallArgs& args, std::size_t count) {
  WEIR_TRY(runtime.heap.spend(args.positional.size() + args.named.size()));
  return CallArgs{
      {args.positional.begin() + static_cast<std::ptrdiff_t>(count), args.positional.end()},
      args.named};
}

Result<std::string_view> name_at(const CallArgs& args, std::size_t index, std::string_view what) {
  if (index >= args.positional.size()) return type_error(fmt::format("missing {}", what));
  if (args.positional[index].is_string()) return std::string_view(args.positional[index].str());
  return type_error(
      fmt::format("{} must be str, not {}", what, args.positional[index].type_name()));
}

// map(attribute='a', default=x)
Result<Items> map_attribute(Runtime& runtime, const Items& items, const CallArgs& args) {
  const Value* attribute = nullptr;
  const Value* fallback = nullptr;
  for (const auto& [name, value] : args.named) {
    if (name != "attribute" && name != "default") {
      return type_error(fmt::format("map: unexpected keyword argument '{}'", name));
    }
    (name == "attribute" ? attribute : fallback) = &value;
  }
  return keys_of(runtime, items, Getter::of(attribute), false, fallback);
}

bool names_attribute(const CallArgs& args) {
  if (!args.positional.empty()) return false;
  for (const auto& entry : args.named) {
    if (entry.first == "attribute") return true;
  }
  return false;
}

Result<Value> map(Runtime& runtime, const Value& self, const Args& args) {
  if (!self.truthy()) return runtime.heap.generator({});
  WEIR_ASSIGN(const Items items, iterate(runtime, self));
  if (names_attribute(args.raw())) {
    WEIR_ASSIGN(Items out, map_attribute(runtime, items, args.raw()));
    return runtime.heap.generator(std::move(out));
  }
  WEIR_ASSIGN(const std::string_view name, name_at(args.raw(), 0, "the filter of map"));
  WEIR_ASSIGN(const CallArgs more, rest(runtime, args.raw(), 1));
  Items out;
  for (const Value& item : items) {
    WEIR_ASSIGN(Value mapped, apply_filter(runtime, name, item, more));
    out.push_back(std::move(mapped));
  }
  return runtime.heap.generator(std::move(out));
}

// The items of which the test gives `wanted`; without a test, those that are true.
Result<Value> choose(Runtime& runtime, const Value& self, const CallArgs& args, bool wanted,
                     bool by_attribute) {
  if (!self.truthy()) return runtime.heap.generator({});
  WEIR_ASSIGN(const Items items, iterate(runtime, self));
  const std::size_t skip = by_attribute ? 1 : 0;
  if (args.positional.size() < skip) return type_error("missing parameter for attribute name");
  const Getter getter = Getter::of(by_attribute ? args.positional.data() : nullptr);
  const bool tests = args.positional.size() > skip;
  std::string_view name;
  if (tests) {
    WEIR_ASSIGN(name, name_at(args, skip, "the test's name"));
  }
  CallArgs more;
  if (tests) {
    WEIR_ASSIGN(more, rest(runtime, args, skip + 1));
  }
  Items out;
  for (const Value& item : items) {
    WEIR_ASSIGN(const Value value, getter.get(runtime, item));
    bool is = value.truthy();
    if (tests) {
      WEIR_ASSIGN(is, apply_test(runtime, name, value, more));
    }
    if (is == wanted) out.push_back(item);
  }
  return runtime.heap.generator(std::move(out));
}

Result<Value> select(Runtime& runtime, const Value& self, const Args& args) {
  return choose(runtime, self, args.raw(), true, false);
}
Result<Value> reject(Runtime& runtime, const Value& self, const Args& args) {
  return choose(runtime, self, args.raw(), false, false);
}
Result<Value> select_attr(Runtime& runtime, const Value& self, const Args& args) {
  return choose(runtime, self, args.raw(), true, true);
}
Result<Value> reject_attr(Runtime& runtime, const Value& self, const Args& args) {
  return choose(runtime, self, args.raw(), false, true);
}

Result<Value> fall_back(Runtime&, const Value& self, const Args& args) {
  if (!self.is_undefined() && (!args.truth(1, false) || self.truthy())) return self;
  return args.get(0) == nullptr ? Value::literal("") : args.at(0);
}

// An attribute only, never an item.
Result<Value> attr(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const std::string_view name, args.string(0, ""));
  const auto* dict = self.as<Dict>();
  if (dict != nullptr && find_method(self, name) == nullptr) {
    return runtime.heap.undefined(fmt::format("'dict object' has no attribute '{}'", name));
  }
  return get_attribute(runtime, self, name);
}

constexpr BuiltinRow kSelectFilters[] = {
    {"map", "*", 0, map},
    {"select", "*", 0, select},
    {"reject", "*", 0, reject},
    {"selectattr", "*", 0, select_attr},
    {"rejectattr", "*", 0, reject_attr},
    {"default", "default_value boolean", 0, fall_back},
    {"d", "default_value boolean", 0, fall_back},
    {"attr", "name", 1, attr},
};

}  // namespace

Table select_filters() {
  return kSelectFilters;
}

}  // namespace weir::jinja
