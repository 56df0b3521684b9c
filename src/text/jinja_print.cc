// str(), repr() and json.dumps() of values.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/jinja_builtin.h"
#include "text/jinja_ops.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

Status too_deep() {
  return fail(Code::kInvalid,
              fmt::format("a value nests more than {} lists and dicts", kMaxValueDepth));
}

void add_escape(std::string& out, char32_t c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\\':
      out += "\\\\";
      return;
    default:
      break;
  }
  const auto code = static_cast<std::uint32_t>(c);
  out += code < 0x100     ? fmt::format("\\x{:02x}", code)
         : code < 0x10000 ? fmt::format("\\u{:04x}", code)
                          : fmt::format("\\U{:08x}", code);
}

std::string string_repr(std::string_view text) {
  const bool twice = text.find('\'') != text.npos && text.find('"') == text.npos;
  const char quote = twice ? '"' : '\'';
  std::string out(1, quote);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = next_char(text, at);
    if (c == static_cast<char32_t>(quote)) {
      out += '\\';
      out += quote;
    } else if (c == '\\' || !is_printable(c)) {
      add_escape(out, c);
    } else {
      out += text.substr(begin, at - begin);
    }
  }
  return out + quote;
}

// Prints nested values; `depth` counts the containers around.
class ReprPrinter {
 public:
  ReprPrinter(Runtime& runtime, TextBuilder& out) : runtime_(runtime), out_(out) {}

  Status print(const Value& value, int depth) {
    WEIR_TRY(runtime_.heap.spend(1));
    if (depth > kMaxValueDepth) return too_deep();
    if (value.is_object()) return print_object(*value.object(), depth);
    return out_.add(scalar(value));
  }

 private:
  static std::string scalar(const Value& value) {
    if (value.is_undefined()) return "Undefined";
    if (value.is_none()) return "None";
    if (value.is_bool()) return value.truthy() ? "True" : "False";
    if (value.is_int()) return fmt::format("{}", value.integral());
    if (value.is_double()) return float_repr(value.number());
    return string_repr(value.str());
  }

  Status print_object(Object& object, int depth) {
    if (auto* list = dynamic_cast<Sequence*>(&object)) {
      const bool one = list->is_tuple() && list->items().size() == 1;
      return print_list(list->items(), list->is_tuple() ? "(" : "[",
                        one ? ",)" : (list->is_tuple() ? ")" : "]"), depth);
    }
    if (auto* dict = dynamic_cast<Dict*>(&object)) return print_dict(*dict, depth);
    if (auto* view = dynamic_cast<DictView*>(&object)) {
      return print_list(view->items(), std::string(view->type_name()) + "([", "])", depth);
    }
    if (auto* range = dynamic_cast<Range*>(&object)) return out_.add(range_repr(*range));
    if (auto* space = dynamic_cast<Namespace*>(&object)) {
      WEIR_TRY(out_.add("<Namespace "));
      WEIR_TRY(print_dict(*space->attributes(), depth));
      return out_.add(">");
    }
    // Python shows an address here, which no prompt can want.
    return type_error(fmt::format("a {} cannot be printed", object.type_name()));
  }

  static std::string range_repr(const Range& range) {
    if (range.step() == 1) return fmt::format("range({}, {})", range.start(), range.stop());
    return fmt::format("range({}, {}, {})", range.start(), range.stop(), range.step());
  }

  Status print_list(const std::vector<Value>& items, std::string_view open, std::string_view close,
                    int depth) {
    WEIR_TRY(out_.add(open));
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) WEIR_TRY(out_.add(", "));
      WEIR_TRY(print(items[i], depth + 1));
    }
    return out_.add(close);
  }

  Status print_dict(const Dict& dict, int depth) {
    WEIR_TRY(out_.add("{"));
    bool first = true;
    for (const auto& [key, value] : dict.entries()) {
      if (!first) WEIR_TRY(out_.add(", "));
      first = false;
      WEIR_TRY(print(key, depth + 1));
      WEIR_TRY(out_.add(": "));
      WEIR_TRY(print(value, depth + 1));
    }
    return out_.add("}");
  }

  Runtime& runtime_;
  TextBuilder& out_;
};

}  // namespace

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[32];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view digits(buffer, static_cast<std::size_t>(end.ptr - buffer));
  const std::size_t e = digits.find('e');
  int exponent = 0;
  const char* sign = digits.data() + e + (digits[e + 1] == '+' ? 2 : 1);
  std::from_chars(sign, end.ptr, exponent);
  if (exponent < -4 || exponent >= 16) {
    return fmt::format("{}e{}{:02d}", digits.substr(0, e), exponent < 0 ? '-' : '+',
                       std::abs(exponent));
  }
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  std::string out(buffer, fixed.ptr);
  if (out.find('.') == out.npos) out += ".0";
  return out;
}

Status print_repr(Runtime& runtime, const Value& value, TextBuilder& out) {
  return ReprPrinter(runtime, out).print(value, 0);
}

Status print(Runtime& runtime, const Value& value, TextBuilder& out) {
  if (value.is_string()) return out.add(value.str());
  if (value.is_undefined()) return {};
  return print_repr(runtime, value, out);
}

Result<Value> to_text(Runtime& runtime, const Value& value) {
  if (value.is_string()) return value;
  TextBuilder out(runtime.heap);
  WEIR_TRY(print(runtime, value, out));
  return out.take();
}

}  // namespace weir::jinja
