// Values as JSON text, as Python's json.dumps writes them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text/jinja_ops.h"
#include "text/jinja_sort.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

void add_unicode_escape(std::string& out, char32_t c) {
  auto code = static_cast<std::uint32_t>(c);
  if (code >= 0x10000) {
    code -= 0x10000;
    out += fmt::format("\\u{:04x}", 0xD800 + (code >> 10));
    code = 0xDC00 + (code & 0x3FF);
  }
  out += fmt::format("\\u{:04x}", code);
}

void add_json_char(std::string& out, std::string_view bytes, char32_t c, bool ascii) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\b':
      out += "\\b";
      return;
    default:
      break;
  }
  if (c < 0x20 || (ascii && c > 0x7E)) {
    add_unicode_escape(out, c);
  } else {
    out += bytes;
  }
}

std::string json_string(std::string_view text, bool ascii) {
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = next_char(text, at);
    add_json_char(out, text.substr(begin, at - begin), c, ascii);
  }
  return out + "\"";
}

std::string json_number(const Value& value) {
  if (value.is_bool()) return value.truthy() ? "true" : "false";
  if (value.is_int()) return fmt::format("{}", value.integral());
  if (std::isnan(value.number())) return "NaN";
  if (std::isinf(value.number())) return value.number() < 0 ? "-Infinity" : "Infinity";
  return float_repr(value.number());
}

class JsonPrinter {
 public:
  JsonPrinter(Runtime& runtime, const JsonStyle& style, TextBuilder& out)
      : runtime_(runtime), style_(style), out_(out) {}

  Status print(const Value& value, int depth) {
    WEIR_TRY(runtime_.heap.spend(1));
    if (depth > kMaxValueDepth) {
      return fail(Code::kInvalid, fmt::format("tojson: a value nests more than {} lists and dicts",
                                              kMaxValueDepth));
    }
    if (value.is_none()) return out_.add("null");
    if (value.is_number()) return out_.add(json_number(value));
    if (value.is_string()) return out_.add(json_string(value.str(), style_.ascii));
    if (const auto* list = value.as<Sequence>()) return print_list(list->items(), depth);
    if (const auto* dict = value.as<Dict>()) return print_dict(*dict, depth);
    return type_error(fmt::format("Object of type {} is not JSON serializable", value.type_name()));
  }

 private:
  Status new_line(int depth) {
    if (!style_.indent) return {};
    WEIR_TRY(out_.add("\n"));
    for (int i = 0; i < depth; ++i) WEIR_TRY(out_.add(*style_.indent));
    return {};
  }

  Status print_list(const std::vector<Value>& items, int depth) {
    if (items.empty()) return out_.add("[]");
    WEIR_TRY(out_.add("["));
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) WEIR_TRY(out_.add(style_.comma));
      WEIR_TRY(new_line(depth + 1));
      WEIR_TRY(print(items[i], depth + 1));
    }
    WEIR_TRY(new_line(depth));
    return out_.add("]");
  }

  Result<std::string> key_text(const Value& key) const {
    if (key.is_string()) return json_string(key.str(), style_.ascii);
    if (key.is_none()) return std::string("\"null\"");
    if (key.is_number()) return "\"" + json_number(key) + "\"";
    return type_error(
        fmt::format("keys must be str, int, float, bool or None, not {}", key.type_name()));
  }

  Status print_dict(const Dict& dict, int depth) {
    if (dict.entries().empty()) return out_.add("{}");
    std::vector<Dict::Entry> entries = dict.entries();
    if (style_.sort_keys) {
      WEIR_TRY(stable_sort(entries, [&](const Dict::Entry& a, const Dict::Entry& b) {
        return less(runtime_, a.key, b.key);
      }));
    }
    WEIR_TRY(out_.add("{"));
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) WEIR_TRY(out_.add(style_.comma));
      WEIR_TRY(new_line(depth + 1));
      WEIR_ASSIGN(const std::string key, key_text(entries[i].key));
      WEIR_TRY(out_.add(key));
      WEIR_TRY(out_.add(style_.colon));
      WEIR_TRY(print(entries[i].value, depth + 1));
    }
    WEIR_TRY(new_line(depth));
    return out_.add("}");
  }

  Runtime& runtime_;
  const JsonStyle& style_;
  TextBuilder& out_;
};

}  // namespace

Status print_json(Runtime& runtime, const Value& value, const JsonStyle& style, TextBuilder& out) {
  return JsonPrinter(runtime, style, out).print(value, 0);
}

}  // namespace weir::jinja
