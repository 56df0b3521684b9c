#include "text/jinja_split.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_ops.h"
#include "text/jinja_unicode.h"

namespace weir::jinja {
namespace {

using View = std::string_view;

Result<Value> list_of(Runtime& runtime, const std::vector<View>& parts) {
  WEIR_TRY(runtime.heap.room(parts.size() * sizeof(Value)));
  std::vector<Value> items;
  items.reserve(parts.size());
  for (const View part : parts) {
    WEIR_ASSIGN(Value item, runtime.heap.text(std::string(part)));
    items.push_back(std::move(item));
  }
  return runtime.heap.list(std::move(items));
}

// The words of a text: runs of what is not white space.
std::vector<View> words(View text) {
  std::vector<View> found;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t here = at;
    if (!is_space(next_char(text, at))) continue;
    if (here > begin) found.push_back(text.substr(begin, here - begin));
    begin = at;
  }
  if (begin < text.size()) found.push_back(text.substr(begin));
  return found;
}

// Splits at white space, at most `limit` times; what is left over keeps its inner spaces.
std::vector<View> split_words(View text, std::size_t limit, bool from_right) {
  std::vector<View> parts = words(text);
  if (parts.size() <= limit) return parts;
  const auto end_of = [](View v) { return v.data() + v.size(); };
  if (from_right) {
    const View& last = parts[parts.size() - limit - 1];
    const View rest(parts[0].data(), static_cast<std::size_t>(end_of(last) - parts[0].data()));
    // Python strips only the far end of what is left.
    const View whole(text.data(), static_cast<std::size_t>(end_of(rest) - text.data()));
    parts.erase(parts.begin(), parts.end() - static_cast<std::ptrdiff_t>(limit));
    parts.insert(parts.begin(), whole);
    return parts;
  }
  const View first = parts[limit];
  parts.resize(limit);
  parts.emplace_back(first.data(), static_cast<std::size_t>(end_of(text) - first.data()));
  return parts;
}

std::vector<View> split_at(View text, View sign, std::size_t limit) {
  std::vector<View> parts;
  std::size_t begin = 0;
  while (parts.size() < limit) {
    const std::size_t at = find_text(text, sign, begin);
    if (at == View::npos) break;
    parts.push_back(text.substr(begin, at - begin));
    begin = at + sign.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

// Separators count from the right, which matters where they overlap: a split of the mirrored text.
std::vector<View> rsplit_at(View text, View sign, std::size_t limit) {
  const std::string mirror(text.rbegin(), text.rend());
  const std::string mirror_sign(sign.rbegin(), sign.rend());
  std::vector<View> parts;
  for (const View part : split_at(mirror, mirror_sign, limit)) {
    const auto from_end = static_cast<std::size_t>(part.data() - mirror.data()) + part.size();
    parts.push_back(text.substr(text.size() - from_end, part.size()));
  }
  std::ranges::reverse(parts);
  return parts;
}

bool is_line_end(char32_t c) {
  return (c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 ||
         c == 0x2029;
}

// An empty `from` stands before every character and at the end.
Result<Value> interleave(Runtime& runtime, View text, View to, std::size_t limit) {
  TextBuilder out(runtime.heap);
  std::size_t done = 0;
  for (std::size_t at = 0; at <= text.size(); ++done) {
    if (done < limit) WEIR_TRY(out.add(to));
    if (at == text.size()) break;
    const std::size_t size = char_size(text, at);
    WEIR_TRY(out.add(text.substr(at, size)));
    at += size;
  }
  return out.take();
}

Result<std::size_t> fill_size(Runtime& runtime, View text, std::int64_t width) {
  WEIR_TRY(runtime.heap.spend_bytes(text.size()));
  const auto count = static_cast<std::int64_t>(char_count(text));
  const auto fill = static_cast<std::size_t>(std::max<std::int64_t>(width - count, 0));
  WEIR_TRY(runtime.heap.room(text.size() + std::min(fill, kMaxValueBytes) * 4));
  return fill;
}

}  // namespace

Result<Value> split_text(Runtime& runtime, View text, const Args& args, bool from_right) {
  WEIR_ASSIGN(const std::int64_t most, args.integer(1, -1));
  const std::size_t limit = most < 0 ? text.size() + 1 : static_cast<std::size_t>(most);
  WEIR_TRY(runtime.heap.spend_bytes(text.size()));
  // Each part costs a view at least.
  WEIR_TRY(runtime.heap.room(std::min(limit, text.size()) * sizeof(View)));
  if (args.get(0) == nullptr || args.at(0).is_none()) {
    return list_of(runtime, split_words(text, limit, from_right));
  }
  WEIR_ASSIGN(const View sign, args.string(0, ""));
  if (sign.empty()) return type_error("empty separator");
  if (!from_right) return list_of(runtime, split_at(text, sign, limit));
  return list_of(runtime, rsplit_at(text, sign, limit));
}

Result<Value> split_lines(Runtime& runtime, View text, bool keep_ends) {
  std::vector<View> parts;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = at;
    const char32_t c = next_char(text, at);
    if (!is_line_end(c)) continue;
    if (c == '\r' && at < text.size() && text[at] == '\n') ++at;
    parts.push_back(text.substr(begin, (keep_ends ? at : end) - begin));
    begin = at;
  }
  if (begin < text.size()) parts.push_back(text.substr(begin));
  return list_of(runtime, parts);
}

Result<Value> replace_text(Runtime& runtime, View text, View from, View to, std::int64_t count) {
  std::size_t limit = count < 0 ? text.size() + 1 : static_cast<std::size_t>(count);
  if (from.empty()) return interleave(runtime, text, to, limit);
  TextBuilder out(runtime.heap);
  std::size_t begin = 0;
  for (; limit > 0; --limit) {
    const std::size_t at = find_text(text, from, begin);
    if (at == View::npos) break;
    WEIR_TRY(out.add(text.substr(begin, at - begin)));
    WEIR_TRY(out.add(to));
    begin = at + from.size();
  }
  WEIR_TRY(out.add(text.substr(begin)));
  return out.take();
}

Result<Value> pad_text(Runtime& runtime, View text, const Args& args, Side side) {
  WEIR_ASSIGN(const std::int64_t width, args.integer(0, 0));
  WEIR_ASSIGN(const View fill_char, args.string(1, " "));
  if (char_count(fill_char) != 1) {
    return type_error("the fill character must be exactly one character long");
  }
  WEIR_ASSIGN(const std::size_t fill, fill_size(runtime, text, width));
  // CPython's rule for an odd fill.
  std::size_t left = side == Side::kLeft ? fill : 0;
  if (side == Side::kBoth) left = fill / 2 + (fill & static_cast<std::size_t>(width) & 1);
  std::string out;
  for (std::size_t i = 0; i < left; ++i) out += fill_char;
  out += text;
  for (std::size_t i = left; i < fill; ++i) out += fill_char;
  return runtime.heap.text(std::move(out));
}

Result<Value> fill_zeros(Runtime& runtime, View text, const Args& args) {
  WEIR_ASSIGN(const std::int64_t width, args.integer(0, 0));
  WEIR_ASSIGN(const std::size_t fill, fill_size(runtime, text, width));
  const bool sign = !text.empty() && (text[0] == '+' || text[0] == '-');
  std::string out(text.substr(0, sign ? 1 : 0));
  out.append(fill, '0');
  out += text.substr(sign ? 1 : 0);
  return runtime.heap.text(std::move(out));
}

}  // namespace weir::jinja
