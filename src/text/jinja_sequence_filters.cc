// Filters on lists and dicts that keep, order or split what is there.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_builtin.h"
#include "text/jinja_getter.h"
#include "text/jinja_ops.h"
#include "text/jinja_pairs.h"
#include "text/jinja_sort.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

using Items = std::vector<Value>;

Result<Value> length(Runtime& runtime, const Value& self, const Args&) {
  WEIR_ASSIGN(const std::size_t size, length_of(runtime, self));
  return Value(static_cast<std::int64_t>(size));
}

Result<Value> first(Runtime& runtime, const Value& self, const Args&) {
  if (auto* generator = self.as<Generator>()) {
    if (auto item = generator->next()) return *item;
  }
  WEIR_ASSIGN(const Items items, iterate(runtime, self));
  if (items.empty()) return runtime.heap.undefined("No first item, sequence was empty.");
  return items.front();
}

Result<Value> last(Runtime& runtime, const Value& self, const Args&) {
  if (self.as<Generator>() != nullptr) return type_error("'generator' object is not reversible");
  WEIR_ASSIGN(const Items items, iterate(runtime, self));
  if (items.empty()) return runtime.heap.undefined("No last item, sequence was empty.");
  return items.back();
}

Result<Value> list(Runtime& runtime, const Value& self, const Args&) {
  WEIR_ASSIGN(Items items, iterate(runtime, self));
  return runtime.heap.list(std::move(items));
}

Result<Value> reverse(Runtime& runtime, const Value& self, const Args&) {
  if (self.is_string()) {
    return get_slice(runtime, self, Value(), Value(), Value(std::int64_t{-1}));
  }
  WEIR_ASSIGN(Items items, iterate(runtime, self));
  std::ranges::reverse(items);
  // Python gives an iterator, but a list for what cannot be walked backwards.
  return self.as<Generator>() != nullptr ? runtime.heap.list(std::move(items))
                                         : runtime.heap.generator(std::move(items));
}

Result<Value> join(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const Items items, iterate(runtime, self));
  const Getter getter = Getter::of(args.get(1));
  Value sign = Value::literal("");
  if (args.get(0) != nullptr) {
    WEIR_ASSIGN(sign, to_text(runtime, args.at(0)));
  }
  TextBuilder out(runtime.heap);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0) WEIR_TRY(out.add(sign.str()));
    WEIR_ASSIGN(const Value item, getter.get(runtime, items[i]));
    WEIR_TRY(print(runtime, item, out));
  }
  return out.take();
}

Result<Value> items_filter(Runtime& runtime, const Value& self, const Args&) {
  if (self.is_undefined()) return runtime.heap.generator({});
  const auto* dict = self.as<Dict>();
  if (dict == nullptr) return type_error("Can only get item pairs from a mapping.");
  WEIR_ASSIGN(Items pairs, make_pairs(runtime, *dict));
  return runtime.heap.generator(std::move(pairs));
}

// How items are ordered.
struct Order {
  std::vector<Getter> getters;
  bool lower_case = true;
  bool backwards = false;
  // `sort` compares lists of keys, which asks for equality first; the others compare the key.
  bool by_lists = false;
  const Value* fallback = nullptr;
};

// An item and the keys it is ordered by.
struct Keyed {
  Items keys;
  Value item;
};

Result<bool> keys_less(Runtime& runtime, const Items& a, const Items& b, bool by_lists) {
  if (!by_lists) return less(runtime, a.front(), b.front());
  for (std::size_t i = 0; i < a.size(); ++i) {
    WEIR_ASSIGN(const bool same, equal(runtime, a[i], b[i]));
    if (!same) return less(runtime, a[i], b[i]);
  }
  return false;
}

Result<Items> sorted(Runtime& runtime, const Items& items, const Order& order) {
  const std::size_t key_bytes = order.getters.size() * sizeof(Value);
  WEIR_TRY(runtime.heap.room(items.size() * (sizeof(Keyed) + key_bytes) * 2));
  std::vector<Keyed> keyed;
  for (const Value& item : items) {
    Keyed entry{{}, item};
    for (const Getter& getter : order.getters) {
      WEIR_ASSIGN(Value key, getter.get(runtime, item, order.lower_case, order.fallback));
      entry.keys.push_back(std::move(key));
    }
    keyed.push_back(std::move(entry));
  }
  WEIR_TRY(stable_sort(keyed, [&](const Keyed& a, const Keyed& b) {
    return order.backwards ? keys_less(runtime, b.keys, a.keys, order.by_lists)
                           : keys_less(runtime, a.keys, b.keys, order.by_lists);
  }));
  Items out;
  for (Keyed& entry : keyed) out.push_back(std::move(entry.item));
  return out;
}

Result<Value> sort(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const Items items, iterate(runtime, self));
  const Order order{Getter::several(args.get(2)), !args.truth(1, false), args.truth(0, false),
                    true};
  WEIR_ASSIGN(Items out, sorted(runtime, items, order));
  return runtime.heap.list(std::move(out));
}

Result<Value> dict_sort(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const std::string_view by, args.string(1, "key"));
  if (by != "key" && by != "value") return type_error("dictsort: by must be 'key' or 'value'");
  const auto* dict = self.as<Dict>();
  if (dict == nullptr) {
    return type_error(fmt::format("dictsort: needs a dict, not {}", self.type_name()));
  }
  WEIR_ASSIGN(const Items pairs, make_pairs(runtime, *dict));
  const Value place(std::int64_t{by == "key" ? 0 : 1});
  WEIR_ASSIGN(
      Items out,
      sorted(runtime, pairs, {{Getter::of(&place)}, !args.truth(0, false), args.truth(2, false)}));
  return runtime.heap.list(std::move(out));
}

Result<Value> unique(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const Items items, iterate(runtime, self));
  WEIR_ASSIGN(const Items keys,
              keys_of(runtime, items, Getter::of(args.get(1)), !args.truth(0, false)));
  WEIR_ASSIGN(Dict * seen, runtime.heap.dict());
  Items out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::size_t before = seen->entries().size();
    WEIR_TRY(runtime.heap.put(*seen, keys[i], Value()));
    if (seen->entries().size() > before) out.push_back(items[i]);
  }
  return runtime.heap.generator(std::move(out));
}

Result<Value> group_by(Runtime& runtime, const Value& self, const Args& args) {
  const Getter getter = Getter::of(args.get(0));
  const bool lower_case = !args.truth(2, false);
  WEIR_ASSIGN(const Items unsorted, iterate(runtime, self));
  WEIR_ASSIGN(const Items items,
              sorted(runtime, unsorted, {{getter}, lower_case, false, false, args.get(1)}));
  WEIR_ASSIGN(const Items keys, keys_of(runtime, items, getter, lower_case, args.get(1)));
  Items groups;
  for (std::size_t begin = 0; begin < items.size();) {
    std::size_t end = begin + 1;
    for (bool same = true; end < items.size(); ++end) {
      WEIR_ASSIGN(same, equal(runtime, keys[begin], keys[end]));
      if (!same) break;
    }
    const auto at = [&](std::size_t i) { return items.begin() + static_cast<std::ptrdiff_t>(i); };
    WEIR_ASSIGN(Value name, getter.get(runtime, items[begin], false, args.get(1)));
    WEIR_ASSIGN(Value members, runtime.heap.list(Items(at(begin), at(end))));
    WEIR_ASSIGN(Object * group, runtime.heap.make<GroupTuple>(192, name, members));
    groups.emplace_back(group);
    begin = end;
  }
  return runtime.heap.list(std::move(groups));
}

Result<Value> batch(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const std::int64_t size, args.integer(0, 1));
  WEIR_ASSIGN(const Items items, iterate(runtime, self));
  // Python compares the length with `size`, which no length below one equals.
  const std::size_t step =
      size < 1 ? std::max<std::size_t>(items.size(), 1) : static_cast<std::size_t>(size);
  const bool fills = args.get(1) != nullptr && !args.at(1).is_none() && size > 0;
  Items out;
  for (std::size_t begin = 0; begin < items.size(); begin += std::min(step, items.size())) {
    const std::size_t end = begin + std::min(step, items.size() - begin);
    Items row(items.begin() + static_cast<std::ptrdiff_t>(begin),
              items.begin() + static_cast<std::ptrdiff_t>(end));
    if (fills && row.size() < step) {
      WEIR_TRY(runtime.heap.room(std::min(step, kMaxValueBytes) * sizeof(Value)));
      row.resize(step, args.at(1));
    }
    WEIR_ASSIGN(Value value, runtime.heap.list(std::move(row)));
    out.push_back(std::move(value));
  }
  return runtime.heap.generator(std::move(out));
}

Result<Value> slice(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const std::int64_t count, args.integer(0, 1));
  if (count == 0) return type_error("integer division or modulo by zero");
  if (count < 0) return runtime.heap.generator({});
  if (count > kMaxRange) return type_error("slice: more than 100000 slices");
  WEIR_ASSIGN(const Items items, iterate(runtime, self));
  const auto slices = static_cast<std::size_t>(count);
  const std::size_t extra = items.size() % slices;
  Items out;
  auto at = items.begin();
  for (std::size_t i = 0; i < slices; ++i) {
    const auto size = static_cast<std::ptrdiff_t>(items.size() / slices + (i < extra ? 1 : 0));
    Items row(at, at + size);
    at += size;
    if (args.get(1) != nullptr && !args.at(1).is_none() && i >= extra) row.push_back(args.at(1));
    WEIR_ASSIGN(Value value, runtime.heap.list(std::move(row)));
    out.push_back(std::move(value));
  }
  return runtime.heap.generator(std::move(out));
}

constexpr BuiltinRow kSequenceFilters[] = {
    {"length", "", 0, length},
    {"count", "", 0, length},
    {"first", "", 0, first},
    {"last", "", 0, last},
    {"list", "", 0, list},
    {"reverse", "", 0, reverse},
    {"join", "d attribute", 0, join},
    {"items", "", 0, items_filter},
    {"sort", "reverse case_sensitive attribute", 0, sort},
    {"dictsort", "case_sensitive by reverse", 0, dict_sort},
    {"unique", "case_sensitive attribute", 0, unique},
    {"groupby", "attribute default case_sensitive", 1, group_by},
    {"batch", "linecount fill_with", 1, batch},
    {"slice", "slices fill_with", 1, slice},
};

}  // namespace

Table sequence_filters() {
  return kSequenceFilters;
}

}  // namespace weir::jinja
