// Filters on text.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_builtin.h"
#include "text/jinja_ops.h"
#include "text/jinja_pairs.h"
#include "text/jinja_split.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

using View = std::string_view;

// Filters that are a str method of the same arguments, on the value as text.
Result<Value> method(Runtime& runtime, const Value& self, View name, const CallArgs& args) {
  WEIR_ASSIGN(const Value text, to_text(runtime, self));
  return call_builtin(runtime, *find_row(string_methods(), name), text, args);
}

Result<Value> string(Runtime& runtime, const Value& self, const Args&) {
  return to_text(runtime, self);
}
Result<Value> upper_filter(Runtime& runtime, const Value& self, const Args&) {
  return method(runtime, self, "upper", {});
}
Result<Value> lower_filter(Runtime& runtime, const Value& self, const Args&) {
  return method(runtime, self, "lower", {});
}
Result<Value> capitalize_filter(Runtime& runtime, const Value& self, const Args&) {
  return method(runtime, self, "capitalize", {});
}
Result<Value> trim(Runtime& runtime, const Value& self, const Args& args) {
  return method(runtime, self, "strip", args.raw());
}
Result<Value> center(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const std::int64_t width, args.integer(0, 80));
  return method(runtime, self, "center", {{Value(width)}, {}});
}

Result<Value> replace(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const Value text, to_text(runtime, self));
  WEIR_ASSIGN(const Value from, to_text(runtime, args.at(0)));
  WEIR_ASSIGN(const Value to, to_text(runtime, args.at(1)));
  const bool all = args.get(2) == nullptr || args.at(2).is_none();
  std::int64_t count = -1;
  if (!all) {
    WEIR_ASSIGN(count, args.integer(2, -1));
  }
  return replace_text(runtime, text.str(), from.str(), to.str(), count);
}

// jinja2's own title case: a capital after white space and - ( { [ <.
Result<Value> title_filter(Runtime& runtime, const Value& self, const Args&) {
  WEIR_ASSIGN(const Value source, to_text(runtime, self));
  const View text = source.str();
  const auto breaks = [](char32_t c) {
    return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
  };
  TextBuilder out(runtime.heap);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const bool gap = breaks(next_char(text, at));
    const std::size_t first = at;
    for (std::size_t next = at; next < text.size() && breaks(next_char(text, next)) == gap;)
      at = next;
    WEIR_TRY(out.add(upper(text.substr(begin, first - begin))));
    WEIR_TRY(out.add(lower(text.substr(first, at - first))));
  }
  return out.take();
}

Result<Value> escape(Runtime& runtime, const Value& self, const Args&) {
  WEIR_ASSIGN(const Value text, to_text(runtime, self));
  TextBuilder out(runtime.heap);
  for (const char& c : text.str()) {
    switch (c) {
      case '&':
        WEIR_TRY(out.add("&amp;"));
        break;
      case '<':
        WEIR_TRY(out.add("&lt;"));
        break;
      case '>':
        WEIR_TRY(out.add("&gt;"));
        break;
      case '\'':
        WEIR_TRY(out.add("&#39;"));
        break;
      case '"':
        WEIR_TRY(out.add("&#34;"));
        break;
      default:
        WEIR_TRY(out.add(View(&c, 1)));
    }
  }
  return out.take();
}

Result<std::string> indentation(Runtime& runtime, const Args& args, std::size_t index) {
  if (args.get(index) != nullptr && args.at(index).is_string()) return args.at(index).str();
  WEIR_ASSIGN(const std::int64_t width, args.integer(index, 4));
  if (width > 100'000) return type_error("an indentation of more than 100000 spaces");
  WEIR_TRY(runtime.heap.spend_bytes(static_cast<std::size_t>(std::max<std::int64_t>(width, 0))));
  return std::string(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
}

Result<Value> indent(Runtime& runtime, const Value& self, const Args& args) {
  if (!self.is_string()) {
    return type_error(fmt::format("indent: needs str, not {}", self.type_name()));
  }
  WEIR_ASSIGN(const std::string margin, indentation(runtime, args, 0));
  const bool first = args.truth(1, false);
  const bool blank = args.truth(2, false);
  WEIR_ASSIGN(const Value split, split_lines(runtime, self.str() + "\n", false));
  const auto& lines = split.as<Sequence>()->items();
  TextBuilder out(runtime.heap);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) WEIR_TRY(out.add("\n"));
    const bool wanted = i == 0 ? first : blank || !lines[i].str().empty();
    if (wanted) WEIR_TRY(out.add(margin));
    WEIR_TRY(out.add(lines[i].str()));
  }
  return out.take();
}

Result<Value> truncate(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const std::int64_t length, args.integer(0, 255));
  WEIR_ASSIGN(const View end, args.string(2, "..."));
  WEIR_ASSIGN(const std::int64_t leeway, args.integer(3, 5));
  WEIR_ASSIGN(const std::size_t size, length_of(runtime, self));
  const auto keep = length - static_cast<std::int64_t>(char_count(end));
  if (keep < 0 || leeway < 0) return type_error("truncate: the length is less than the end's");
  // Twice: the sum could overflow.
  const auto count = static_cast<std::int64_t>(size);
  if (count <= length || count - length <= leeway) return self;
  if (!self.is_string()) return type_error("truncate: needs str");
  View text = self.str();
  text = text.substr(0, char_offset(text, static_cast<std::size_t>(keep)));
  if (!args.truth(1, false)) text = text.substr(0, std::min(text.rfind(' '), text.size()));
  return runtime.heap.text(std::string(text) + std::string(end));
}

bool is_word(char32_t c) {
  return c == '_' || is_alpha(c) || is_decimal(c) || is_digit(c) || is_numeric(c);
}

Result<Value> word_count(Runtime& runtime, const Value& self, const Args&) {
  WEIR_ASSIGN(const Value text, to_text(runtime, self));
  std::int64_t words = 0;
  bool inside = false;
  for (std::size_t at = 0; at < text.str().size();) {
    const bool word = is_word(next_char(text.str(), at));
    words += word && !inside ? 1 : 0;
    inside = word;
  }
  return Value(words);
}

Result<Value> format(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const Value text, to_text(runtime, self));
  const CallArgs& raw = args.raw();
  if (!raw.positional.empty() && !raw.named.empty()) {
    return type_error("format: positional and keyword arguments at the same time");
  }
  if (raw.named.empty()) {
    WEIR_ASSIGN(const Value values, runtime.heap.tuple(raw.positional));
    return format_percent(runtime, text.str(), values);
  }
  WEIR_ASSIGN(Dict * dict, runtime.heap.dict());
  for (const auto& [name, value] : raw.named) WEIR_TRY(runtime.heap.put(*dict, name, value));
  return format_percent(runtime, text.str(), Value(dict));
}

std::string quote(View text, bool query) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '.' || c == '-' || c == '~' || (c == '/' && !query);
    if (plain) {
      out += c;
    } else if (c == ' ' && query) {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// A str is quoted; a dict, or a list of pairs, makes a query.
Result<Value> url_encode(Runtime& runtime, const Value& self, const Args&) {
  TextBuilder out(runtime.heap);
  if (self.is_string() || !self.is_object()) {
    WEIR_ASSIGN(const Value text, to_text(runtime, self));
    WEIR_TRY(out.add(quote(text.str(), false)));
    return out.take();
  }
  const auto* dict = self.as<Dict>();
  WEIR_ASSIGN(const std::vector<Value> pairs,
              dict != nullptr ? make_pairs(runtime, *dict) : iterate(runtime, self));
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    WEIR_ASSIGN(const std::vector<Value> pair, iterate(runtime, pairs[i]));
    if (pair.size() != 2) return type_error("urlencode: each item must be a pair");
    WEIR_ASSIGN(const Value key, to_text(runtime, pair[0]));
    WEIR_ASSIGN(const Value value, to_text(runtime, pair[1]));
    if (i > 0) WEIR_TRY(out.add("&"));
    WEIR_TRY(out.add(quote(key.str(), true) + "=" + quote(value.str(), true)));
  }
  return out.take();
}

// The style that json.dumps makes of its arguments.
Result<JsonStyle> json_style(Runtime& runtime, const Args& args) {
  JsonStyle style;
  style.ascii = args.truth(0, false);
  if (args.get(1) != nullptr && !args.at(1).is_none()) {
    WEIR_ASSIGN(style.indent, indentation(runtime, args, 1));
    style.comma = ",";
  }
  if (args.get(2) != nullptr && !args.at(2).is_none()) {
    const auto* pair = args.at(2).as<Sequence>();
    if (pair == nullptr || pair->items().size() != 2 || !pair->items()[0].is_string() ||
        !pair->items()[1].is_string()) {
      return type_error("tojson: separators must be a pair of str");
    }
    style.comma = pair->items()[0].str();
    style.colon = pair->items()[1].str();
  }
  style.sort_keys = args.truth(3, false);
  return style;
}

Result<Value> to_json(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const JsonStyle style, json_style(runtime, args));
  TextBuilder out(runtime.heap);
  WEIR_TRY(print_json(runtime, self, style, out));
  return out.take();
}

constexpr BuiltinRow kTextFilters[] = {
    {"string", "", 0, string},
    {"safe", "", 0, string},
    {"upper", "", 0, upper_filter},
    {"lower", "", 0, lower_filter},
    {"capitalize", "", 0, capitalize_filter},
    {"title", "", 0, title_filter},
    {"trim", "chars", 0, trim},
    {"center", "width", 0, center},
    {"replace", "old new count", 2, replace},
    {"escape", "", 0, escape},
    {"e", "", 0, escape},
    {"forceescape", "", 0, escape},
    {"indent", "width first blank", 0, indent},
    {"truncate", "length killwords end leeway", 0, truncate},
    {"wordcount", "", 0, word_count},
    {"format", "*", 0, format},
    {"urlencode", "", 0, url_encode},
    {"tojson", "ensure_ascii indent separators sort_keys", 0, to_json},
};

}  // namespace

Table text_filters() {
  return kTextFilters;
}

}  // namespace weir::jinja
