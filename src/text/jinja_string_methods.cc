// The methods of Python's str that templates call.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_builtin.h"
#include "text/jinja_ops.h"
#include "text/jinja_split.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

using View = std::string_view;

template <std::string (*kConvert)(View)>
Result<Value> convert(Runtime& runtime, const Value& self, const Args&) {
  WEIR_TRY(runtime.heap.room(4 * self.str().size()));
  return runtime.heap.text(kConvert(self.str()));
}

// strip() and its halves. None stands for white space.
Result<Value> strip_sides(Runtime& runtime, const Value& self, const Args& args, bool left,
                          bool right) {
  View text = self.str();
  const bool spaces = args.get(0) == nullptr || args.at(0).is_none();
  if (spaces) {
    if (left) text = lstrip(text);
    if (right) text = rstrip(text);
  } else {
    WEIR_ASSIGN(const View chars, args.string(0, ""));
    WEIR_TRY(runtime.heap.spend((text.size() / 64 + 1) * (chars.size() + 1)));
    if (left) text = lstrip(text, chars);
    if (right) text = rstrip(text, chars);
  }
  return runtime.heap.text(std::string(text));
}
Result<Value> strip(Runtime& runtime, const Value& self, const Args& args) {
  return strip_sides(runtime, self, args, true, true);
}
Result<Value> lstrip_method(Runtime& runtime, const Value& self, const Args& args) {
  return strip_sides(runtime, self, args, true, false);
}
Result<Value> rstrip_method(Runtime& runtime, const Value& self, const Args& args) {
  return strip_sides(runtime, self, args, false, true);
}

// The part of the text between arguments `first` and `first` + 1, which count characters.
struct Part {
  View text;
  std::int64_t offset = 0;  // Of its first character.
  bool outside = false;     // The start lies beyond the end: nothing is found there, not even ''.
};
Result<Part> part_of(Runtime& runtime, const Value& self, const Args& args, std::size_t first) {
  const auto none = [&](std::size_t i) { return args.get(i) == nullptr || args.at(i).is_none(); };
  WEIR_TRY(runtime.heap.spend_bytes(self.str().size()));
  Part part{self.str()};
  if (none(first) && none(first + 1)) return part;
  const auto count = static_cast<std::int64_t>(char_count(part.text));
  const auto bound = [&](std::size_t i, std::int64_t fallback) -> Result<std::int64_t> {
    if (none(i)) return fallback;
    WEIR_ASSIGN(const std::int64_t index, args.integer(i, fallback));
    return index < 0 ? std::max<std::int64_t>(index + count, 0) : index;
  };
  WEIR_ASSIGN(const std::int64_t start, bound(first, 0));
  WEIR_ASSIGN(std::int64_t stop, bound(first + 1, count));
  stop = std::min(stop, count);
  if (start > stop) return Part{View(), 0, true};
  const std::size_t begin = char_offset(part.text, static_cast<std::size_t>(start));
  const std::size_t end = char_offset(part.text, static_cast<std::size_t>(stop));
  return Part{part.text.substr(begin, end - begin), start, false};
}

// startswith and endswith take one string or a tuple of them.
Result<Value> has_affix(Runtime& runtime, const Value& self, const Args& args, bool at_start) {
  WEIR_ASSIGN(const Part part, part_of(runtime, self, args, 1));
  std::vector<Value> affixes = {args.at(0)};
  if (const auto* tuple = args.at(0).as<Sequence>(); tuple != nullptr && tuple->is_tuple()) {
    affixes = tuple->items();
  }
  for (const Value& affix : affixes) {
    if (!affix.is_string()) {
      return type_error(fmt::format("{} first arg must be str or a tuple of str, not {}",
                                    at_start ? "startswith" : "endswith", affix.type_name()));
    }
    const bool found =
        at_start ? part.text.starts_with(affix.str()) : part.text.ends_with(affix.str());
    if (found && !part.outside) return Value(true);
  }
  return Value(false);
}
Result<Value> starts_with(Runtime& runtime, const Value& self, const Args& args) {
  return has_affix(runtime, self, args, true);
}
Result<Value> ends_with(Runtime& runtime, const Value& self, const Args& args) {
  return has_affix(runtime, self, args, false);
}

Result<Value> split(Runtime& runtime, const Value& self, const Args& args) {
  return split_text(runtime, self.str(), args, /*from_right=*/false);
}
Result<Value> rsplit(Runtime& runtime, const Value& self, const Args& args) {
  return split_text(runtime, self.str(), args, /*from_right=*/true);
}
Result<Value> splitlines(Runtime& runtime, const Value& self, const Args& args) {
  return split_lines(runtime, self.str(), args.truth(0, false));
}

Result<Value> replace(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const View from, args.string(0, ""));
  WEIR_ASSIGN(const View to, args.string(1, ""));
  WEIR_ASSIGN(const std::int64_t count, args.integer(2, -1));
  return replace_text(runtime, self.str(), from, to, count);
}

Result<Value> join(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const std::vector<Value> items, iterate(runtime, args.at(0)));
  TextBuilder out(runtime.heap);
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is_string()) {
      return type_error(fmt::format("sequence item {}: expected str instance, {} found", i,
                                    items[i].type_name()));
    }
    if (i > 0) WEIR_TRY(out.add(self.str()));
    WEIR_TRY(out.add(items[i].str()));
  }
  return out.take();
}

// The character index where the part begins, or -1.
Result<std::int64_t> search(Runtime& runtime, const Value& self, const Args& args, bool last) {
  WEIR_ASSIGN(const View wanted, args.string(0, ""));
  WEIR_ASSIGN(const Part part, part_of(runtime, self, args, 1));
  if (part.outside) return -1;
  std::size_t at = last && wanted.empty() ? part.text.size() : find_text(part.text, wanted);
  while (last && !wanted.empty() && at != View::npos) {
    WEIR_TRY(runtime.heap.spend_bytes(wanted.size()));
    const std::size_t next = find_text(part.text, wanted, at + 1);
    if (next == View::npos) break;
    at = next;
  }
  if (at == View::npos) return -1;
  return part.offset + static_cast<std::int64_t>(char_count(part.text.substr(0, at)));
}
Result<Value> find(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const std::int64_t at, search(runtime, self, args, false));
  return Value(at);
}
Result<Value> rfind(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const std::int64_t at, search(runtime, self, args, true));
  return Value(at);
}
Result<Value> must_find(const Result<Value>& found) {
  if (found && found->integral() < 0) return type_error("substring not found");
  return found;
}
Result<Value> index(Runtime& runtime, const Value& self, const Args& args) {
  return must_find(find(runtime, self, args));
}
Result<Value> rindex(Runtime& runtime, const Value& self, const Args& args) {
  return must_find(rfind(runtime, self, args));
}

Result<Value> count(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const View wanted, args.string(0, ""));
  WEIR_ASSIGN(const Part part, part_of(runtime, self, args, 1));
  if (part.outside) return Value(std::int64_t{0});
  if (wanted.empty()) return Value(static_cast<std::int64_t>(char_count(part.text)) + 1);
  std::int64_t found = 0;
  for (std::size_t at = find_text(part.text, wanted); at != View::npos;
       at = find_text(part.text, wanted, at + wanted.size())) {
    ++found;
  }
  return Value(found);
}

Result<Value> remove_prefix(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const View prefix, args.string(0, ""));
  View text = self.str();
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return runtime.heap.text(std::string(text));
}
Result<Value> remove_suffix(Runtime& runtime, const Value& self, const Args& args) {
  WEIR_ASSIGN(const View suffix, args.string(0, ""));
  View text = self.str();
  if (text.ends_with(suffix)) text.remove_suffix(suffix.size());
  return runtime.heap.text(std::string(text));
}

Result<Value> cut(Runtime& runtime, const Value& self, const Args& args, bool last) {
  WEIR_ASSIGN(const View sign, args.string(0, ""));
  if (sign.empty()) return type_error("empty separator");
  const View text = self.str();
  std::size_t at = find_text(text, sign);
  for (std::size_t next = at; last && next != View::npos; next = find_text(text, sign, at + 1)) {
    WEIR_TRY(runtime.heap.spend_bytes(sign.size()));
    at = next;
  }
  View head = text, middle, tail;
  if (at != View::npos) {
    head = text.substr(0, at);
    middle = sign;
    tail = text.substr(at + sign.size());
  } else if (last) {
    std::swap(head, tail);
  }
  WEIR_ASSIGN(Value a, runtime.heap.text(std::string(head)));
  WEIR_ASSIGN(Value b, runtime.heap.text(std::string(middle)));
  WEIR_ASSIGN(Value c, runtime.heap.text(std::string(tail)));
  return runtime.heap.tuple({a, b, c});
}
Result<Value> partition(Runtime& runtime, const Value& self, const Args& args) {
  return cut(runtime, self, args, false);
}
Result<Value> rpartition(Runtime& runtime, const Value& self, const Args& args) {
  return cut(runtime, self, args, true);
}

Result<Value> ljust(Runtime& runtime, const Value& self, const Args& args) {
  return pad_text(runtime, self.str(), args, Side::kRight);
}
Result<Value> rjust(Runtime& runtime, const Value& self, const Args& args) {
  return pad_text(runtime, self.str(), args, Side::kLeft);
}
Result<Value> center(Runtime& runtime, const Value& self, const Args& args) {
  return pad_text(runtime, self.str(), args, Side::kBoth);
}
Result<Value> zfill(Runtime& runtime, const Value& self, const Args& args) {
  return fill_zeros(runtime, self.str(), args);
}
Result<Value> format(Runtime& runtime, const Value& self, const Args& args) {
  return format_braces(runtime, self.str(), args.raw());
}

constexpr BuiltinRow kMethods[] = {
    {"strip", "chars", 0, strip},
    {"lstrip", "chars", 0, lstrip_method},
    {"rstrip", "chars", 0, rstrip_method},
    {"split", "sep maxsplit", 0, split},
    {"rsplit", "sep maxsplit", 0, rsplit},
    {"splitlines", "keepends", 0, splitlines},
    {"startswith", "prefix start end", 1, starts_with},
    {"endswith", "suffix start end", 1, ends_with},
    {"replace", "old new count", 2, replace},
    {"upper", "", 0, convert<upper>},
    {"lower", "", 0, convert<lower>},
    {"title", "", 0, convert<title>},
    {"capitalize", "", 0, convert<capitalize>},
    {"swapcase", "", 0, convert<swapcase>},
    {"join", "iterable", 1, join},
    {"find", "sub start end", 1, find},
    {"rfind", "sub start end", 1, rfind},
    {"index", "sub start end", 1, index},
    {"rindex", "sub start end", 1, rindex},
    {"count", "sub start end", 1, count},
    {"removeprefix", "prefix", 1, remove_prefix},
    {"removesuffix", "suffix", 1, remove_suffix},
    {"partition", "sep", 1, partition},
    {"rpartition", "sep", 1, rpartition},
    {"ljust", "width fillchar", 1, ljust},
    {"rjust", "width fillchar", 1, rjust},
    {"center", "width fillchar", 1, center},
    {"zfill", "width", 1, zfill},
    {"format", "*", 0, format},
};

}  // namespace

Table string_methods() {
  return kMethods;
}

}  // namespace weir::jinja
