// What may follow `is`.
#include <fmt/format.h>

#include "text/jinja_builtin.h"
#include "text/jinja_ops.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

template <bool (*kIs)(const Value&)>
Result<Value> kind(Runtime&, const Value& self, const Args&) {
  return Value(kIs(self));
}

bool is_defined(const Value& v) {
  return !v.is_undefined();
}
bool is_undefined(const Value& v) {
  return v.is_undefined();
}
bool is_none(const Value& v) {
  return v.is_none();
}
bool is_boolean(const Value& v) {
  return v.is_bool();
}
bool is_true(const Value& v) {
  return v.is_bool() && v.truthy();
}
bool is_false(const Value& v) {
  return v.is_bool() && !v.truthy();
}
bool is_integer(const Value& v) {
  return v.is_int();
}
bool is_float(const Value& v) {
  return v.is_double();
}
bool is_number(const Value& v) {
  return v.is_number();
}
bool is_string(const Value& v) {
  return v.is_string();
}
bool is_mapping(const Value& v) {
  return v.as<Dict>() != nullptr;
}
bool is_escaped(const Value&) {
  return false;
}
bool is_callable(const Value& v) {
  return v.is_undefined() || (v.is_object() && v.object()->callable());
}
bool is_iterable(const Value& v) {
  return v.is_string() || v.is_undefined() || (v.is_object() && v.object()->iterable());
}
// Python asks for a length and for items by index or key.
bool is_sequence(const Value& v) {
  return v.is_string() || v.is_undefined() || v.as<Sequence>() != nullptr ||
         v.as<Dict>() != nullptr || v.as<Range>() != nullptr;
}
// Whether the value names a row; like a key of Python's dicts, it must be hashable.
template <const BuiltinRow* (*kFind)(std::string_view)>
Result<Value> names(Runtime&, const Value& self, const Args&) {
  WEIR_TRY(hash_key(self));
  return Value(self.is_string() && kFind(self.str()) != nullptr);
}

Result<Value> same_case(Runtime& runtime, const Value& self, std::string_view name) {
  WEIR_ASSIGN(const Value text, to_text(runtime, self));
  return call_builtin(runtime, *find_row(string_predicates(), name), text, {});
}
Result<Value> lower_case(Runtime& runtime, const Value& self, const Args&) {
  return same_case(runtime, self, "islower");
}
Result<Value> upper_case(Runtime& runtime, const Value& self, const Args&) {
  return same_case(runtime, self, "isupper");
}

Result<Value> remainder_is(Runtime& runtime, const Value& self, const Value& by,
                           std::int64_t rest) {
  WEIR_ASSIGN(const Value remainder, arithmetic(runtime, Arith::kMod, self, by));
  WEIR_ASSIGN(const bool same, equal(runtime, remainder, Value(rest)));
  return Value(same);
}
Result<Value> odd(Runtime& runtime, const Value& self, const Args&) {
  return remainder_is(runtime, self, Value(std::int64_t{2}), 1);
}
Result<Value> even(Runtime& runtime, const Value& self, const Args&) {
  return remainder_is(runtime, self, Value(std::int64_t{2}), 0);
}
Result<Value> divisible_by(Runtime& runtime, const Value& self, const Args& args) {
  return remainder_is(runtime, self, args.at(0), 0);
}

Result<Value> same_as(Runtime&, const Value& self, const Args& args) {
  return Value(self.same(args.at(0)));
}
Result<Value> in(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const bool found, contains(runtime, args.at(0), self));
  return Value(found);
}
Result<Value> eq(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const bool same, equal(runtime, self, args.at(0)));
  return Value(same);
}
Result<Value> ne(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const bool same, equal(runtime, self, args.at(0)));
  return Value(!same);
}
Result<Value> lt(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const int way, order(runtime, self, args.at(0), "<"));
  return Value(way == -1);
}
Result<Value> le(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const int way, order(runtime, self, args.at(0), "<="));
  return Value(way == -1 || way == 0);
}
Result<Value> gt(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const int way, order(runtime, self, args.at(0), ">"));
  return Value(way == 1);
}
Result<Value> ge(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const int way, order(runtime, self, args.at(0), ">="));
  return Value(way == 1 || way == 0);
}

constexpr BuiltinRow kTests[] = {
    {"defined", "", 0, kind<is_defined>},
    {"undefined", "", 0, kind<is_undefined>},
    {"none", "", 0, kind<is_none>},
    {"boolean", "", 0, kind<is_boolean>},
    {"true", "", 0, kind<is_true>},
    {"false", "", 0, kind<is_false>},
    {"integer", "", 0, kind<is_integer>},
    {"float", "", 0, kind<is_float>},
    {"number", "", 0, kind<is_number>},
    {"string", "", 0, kind<is_string>},
    {"mapping", "", 0, kind<is_mapping>},
    {"iterable", "", 0, kind<is_iterable>},
    {"sequence", "", 0, kind<is_sequence>},
    {"callable", "", 0, kind<is_callable>},
    {"escaped", "", 0, kind<is_escaped>},
    {"filter", "", 0, names<find_filter>},
    {"test", "", 0, names<find_test>},
    {"lower", "", 0, lower_case},
    {"upper", "", 0, upper_case},
    {"odd", "", 0, odd},
    {"even", "", 0, even},
    {"divisibleby", "num", 1, divisible_by},
    {"sameas", "other", 1, same_as},
    {"in", "seq", 1, in},
    {"eq", "other", 1, eq},
    {"equalto", "other", 1, eq},
    {"==", "other", 1, eq},
    {"ne", "other", 1, ne},
    {"!=", "other", 1, ne},
    {"lt", "other", 1, lt},
    {"lessthan", "other", 1, lt},
    {"<", "other", 1, lt},
    {"le", "other", 1, le},
    {"<=", "other", 1, le},
    {"gt", "other", 1, gt},
    {"greaterthan", "other", 1, gt},
    {">", "other", 1, gt},
    {"ge", "other", 1, ge},
    {">=", "other", 1, ge},
};

}  // namespace

const BuiltinRow* find_test(std::string_view name) {
  return find_row(kTests, name);
}

}  // namespace weir::jinja
