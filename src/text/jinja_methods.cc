// The methods of dict, list and tuple that the immutable sandbox allows.
#include <fmt/format.h>

#include "text/jinja_builtin.h"
#include "text/jinja_ops.h"
#include "text/jinja_pairs.h"

namespace weir::jinja {

Result<std::vector<Value>> make_pairs(Runtime& runtime, const Dict& dict) {
  WEIR_TRY(runtime.heap.room(dict.entries().size() * sizeof(Value)));
  std::vector<Value> pairs;
  for (const auto& [key, value] : dict.entries()) {
    WEIR_ASSIGN(Value pair, runtime.heap.tuple({key, value}));
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

namespace {

Result<Value> make_view(Runtime& runtime, DictView::Part part, std::vector<Value> items) {
  WEIR_TRY(runtime.heap.spend(items.size()));
  WEIR_ASSIGN(Object * view, runtime.heap.make<DictView>(64 + items.capacity() * sizeof(Value),
                                                         part, std::move(items)));
  return Value(view);
}

Result<Value> items(Runtime& runtime, const Value& self, const Args&) {
  WEIR_ASSIGN(std::vector<Value> pairs, make_pairs(runtime, *self.as<Dict>()));
  return make_view(runtime, DictView::Part::kItems, std::move(pairs));
}
Result<Value> keys(Runtime& runtime, const Value& self, const Args&) {
  return make_view(runtime, DictView::Part::kKeys, self.as<Dict>()->iterate().value());
}
Result<Value> values(Runtime& runtime, const Value& self, const Args&) {
  std::vector<Value> all;
  for (const auto& entry : self.as<Dict>()->entries()) all.push_back(entry.value);
  return make_view(runtime, DictView::Part::kValues, std::move(all));
}

Result<Value> get(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const Value* value, runtime.heap.find(*self.as<Dict>(), args.at(0)));
  if (value != nullptr) return *value;
  return args.get(1) == nullptr ? Value() : args.at(1);
}

Result<Value> copy(Runtime& runtime, const Value& self, const Args&) {
  WEIR_ASSIGN(Dict * out, runtime.heap.dict());
  for (const auto& [key, value] : self.as<Dict>()->entries()) {
    WEIR_TRY(runtime.heap.put(*out, key, value));
  }
  return Value(out);
}

Result<Value> copy_list(Runtime& runtime, const Value& self, const Args&) {
  return runtime.heap.list(self.as<Sequence>()->items());
}

Result<Value> count(Runtime& runtime, const Value& self, const Args& args) {
  std::int64_t found = 0;
  for (const Value& item : self.as<Sequence>()->items()) {
    WEIR_ASSIGN(const bool same, equal(runtime, item, args.at(0)));
    found += same ? 1 : 0;
  }
  return Value(found);
}

Result<Value> index(Runtime& runtime, const Value& self, const Args& args) {
  const auto& list = self.as<Sequence>()->items();
  for (std::size_t i = 0; i < list.size(); ++i) {
    WEIR_ASSIGN(const bool same, equal(runtime, list[i], args.at(0)));
    if (same) return Value(static_cast<std::int64_t>(i));
  }
  return type_error("index(): the value is not in the list");
}

constexpr BuiltinRow kDictMethods[] = {
    {"items", "", 0, items},        {"keys", "", 0, keys}, {"values", "", 0, values},
    {"get", "key default", 1, get}, {"copy", "", 0, copy},
};

constexpr BuiltinRow kListMethods[] = {
    {"count", "value", 1, count},
    {"index", "value", 1, index},
    {"copy", "", 0, copy_list},
};

}  // namespace

Table dict_methods() {
  return kDictMethods;
}
Table list_methods() {
  return kListMethods;
}
Table tuple_methods() {
  return Table(kListMethods).first(2);
}

}  // namespace weir::jinja
