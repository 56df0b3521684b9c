// The functions every template has.
#include <fmt/format.h>

#include <ctime>

#include "text/jinja_builtin.h"
#include "text/jinja_ops.h"

namespace weir::jinja {
namespace {

constexpr std::int64_t kMaxBound = std::int64_t{1} << 40;

Result<Value> range(Runtime& runtime, const Value&, const Args& args) {
  WEIR_ASSIGN(std::int64_t start, args.integer(0, 0));
  WEIR_ASSIGN(std::int64_t stop, args.integer(1, 0));
  WEIR_ASSIGN(const std::int64_t step, args.integer(2, 1));
  if (args.get(1) == nullptr) stop = std::exchange(start, 0);
  if (step == 0) return type_error("range() arg 3 must not be zero");
  for (const std::int64_t bound : {start, stop, step}) {
    if (bound < -kMaxBound || bound > kMaxBound) return type_error("range(): a bound is too large");
  }
  WEIR_ASSIGN(Range * made, runtime.heap.make<Range>(64, start, stop, step));
  if (*made->length() > static_cast<std::size_t>(kMaxRange)) {
    return type_error(
        fmt::format("Range too big. The sandbox blocks ranges larger than {}.", kMaxRange));
  }
  return Value(made);
}

// dict(mapping_or_pairs, **more)
Status fill(Runtime& runtime, Dict& dict, const Value& source) {
  if (const auto* other = source.as<Dict>()) {
    for (const auto& [key, value] : other->entries()) WEIR_TRY(runtime.heap.put(dict, key, value));
    return {};
  }
  WEIR_ASSIGN(const std::vector<Value> pairs, iterate(runtime, source));
  for (const Value& pair : pairs) {
    WEIR_ASSIGN(const std::vector<Value> parts, iterate(runtime, pair));
    if (parts.size() != 2) return type_error("dict(): each item must be a pair");
    WEIR_TRY(runtime.heap.put(dict, parts[0], parts[1]));
  }
  return {};
}

Result<Dict*> make_dict(Runtime& runtime, const Args& args) {
  if (args.raw().positional.size() > 1) return type_error("dict() takes at most one argument");
  WEIR_ASSIGN(Dict * dict, runtime.heap.dict());
  if (!args.raw().positional.empty()) WEIR_TRY(fill(runtime, *dict, args.raw().positional[0]));
  for (const auto& [name, value] : args.raw().named) {
    WEIR_TRY(runtime.heap.put(*dict, name, value));
  }
  return dict;
}

Result<Value> dict(Runtime& runtime, const Value&, const Args& args) {
  WEIR_ASSIGN(Dict * made, make_dict(runtime, args));
  return Value(made);
}

Result<Value> make_namespace(Runtime& runtime, const Value&, const Args& args) {
  WEIR_ASSIGN(Dict * attributes, make_dict(runtime, args));
  WEIR_ASSIGN(Object * space, runtime.heap.make<Namespace>(64, attributes));
  return Value(space);
}

Result<Value> raise(Runtime& runtime, const Value&, const Args& args) {
  WEIR_ASSIGN(const Value message, to_text(runtime, args.at(0)));
  runtime.located = true;  // The message is the template's own, and stays so.
  return fail(Code::kInvalid, message.str(), "messages");
}

// Python's datetime has no zone here and no microseconds: %z and %Z are empty, %f is zeros.
std::string without_zones(std::string_view format) {
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i) {
    const char next = i + 1 < format.size() ? format[i + 1] : '\0';
    if (format[i] != '%' || (next != 'f' && next != 'z' && next != 'Z' && next != '%')) {
      out += format[i];
      continue;
    }
    if (next == 'f') out += "000000";
    if (next == '%') out += "%%";
    ++i;
  }
  return out;
}

Result<Value> strftime_now(Runtime& runtime, const Value&, const Args& args) {
  WEIR_ASSIGN(const std::string_view format, args.string(0, ""));
  if (format.size() > 1000 || format.find('\0') != format.npos) {
    return type_error("strftime_now: a format has at most 1000 characters and no NUL");
  }
  const std::time_t seconds = std::chrono::system_clock::to_time_t(runtime.now);
  std::tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return type_error("strftime_now: no such time");
  // A sign at the end tells an empty result from one that did not fit. A width ("%9999d") must not.
  const std::string pattern = without_zones(format) + "|";
  std::string out(pattern.size() * 64 + 1024, '\0');
  const std::size_t size = std::strftime(out.data(), out.size(), pattern.c_str(), &parts);
  if (size == 0) return type_error("strftime_now: the result is too long");
  out.resize(size - 1);
  return runtime.heap.text(std::move(out));
}

// cycler(a, b, ...): next(), current, reset().
class Cycler final : public Object {
 public:
  explicit Cycler(std::vector<Value> items) : items_(std::move(items)) {}
  std::string_view type_name() const override { return "Cycler"; }
  const Value& current() const { return items_[at_]; }
  void move_on() { at_ = (at_ + 1) % items_.size(); }
  void reset() { at_ = 0; }
  Result<std::optional<Value>> attribute(Runtime& runtime, std::string_view name) override;

 private:
  std::vector<Value> items_;
  std::size_t at_ = 0;
};

Result<Value> next(Runtime&, const Value& self, const Args&) {
  Value value = self.as<Cycler>()->current();
  self.as<Cycler>()->move_on();
  return value;
}
Result<Value> reset(Runtime&, const Value& self, const Args&) {
  self.as<Cycler>()->reset();
  return Value();
}
constexpr BuiltinRow kCyclerMethods[] = {{"next", "", 0, next}, {"reset", "", 0, reset}};

Result<std::optional<Value>> Cycler::attribute(Runtime& runtime, std::string_view name) {
  if (name == "current") return std::optional<Value>(current());
  const BuiltinRow* row = find_row(kCyclerMethods, name);
  if (row == nullptr) return std::optional<Value>();
  WEIR_ASSIGN(Object * method, runtime.heap.make<Function>(128, row, Value(this)));
  return std::optional<Value>(method);
}

Result<Value> cycler(Runtime& runtime, const Value&, const Args& args) {
  const std::vector<Value>& items = args.raw().positional;
  if (items.empty()) return type_error("cycler(): at least one item has to be provided");
  const std::size_t bytes = 64 + items.size() * sizeof(Value);
  WEIR_ASSIGN(Object * made, runtime.heap.make<Cycler>(bytes, items));
  return Value(made);
}

// joiner(sep): '' the first time it is called, then the separator.
class Joiner final : public Object {
 public:
  explicit Joiner(Value sign) : sign_(std::move(sign)) {}
  std::string_view type_name() const override { return "Joiner"; }
  bool callable() const override { return true; }
  Result<Value> call(Runtime&, const CallArgs&) override {
    return std::exchange(used_, true) ? sign_ : Value::literal("");
  }

 private:
  Value sign_;
  bool used_ = false;
};

Result<Value> joiner(Runtime& runtime, const Value&, const Args& args) {
  const Value sign = args.get(0) == nullptr ? Value::literal(", ") : args.at(0);
  WEIR_ASSIGN(Object * made, runtime.heap.make<Joiner>(128, sign));
  return Value(made);
}

constexpr BuiltinRow kGlobals[] = {
    {"range", "start stop step", 1, range},
    {"dict", "*", 0, dict},
    {"namespace", "*", 0, make_namespace},
    {"cycler", "*", 0, cycler},
    {"joiner", "sep", 0, joiner},
    {"raise_exception", "message", 1, raise},
    {"strftime_now", "format", 1, strftime_now},
};

}  // namespace

const BuiltinRow* find_global(std::string_view name) {
  return find_row(kGlobals, name);
}

}  // namespace weir::jinja
