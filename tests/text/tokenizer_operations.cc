#include "text/tokenizer_operations.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "text/text_stream.h"
#include "text/tokenizer.h"

namespace weir::probe {
namespace {

namespace json = boost::json;

std::unique_ptr<Tokenizer> current;

template <typename T>
T take(Result<T> result) {
  if (!result.has_value()) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const char byte : bytes) {
    hex += "0123456789abcdef"[static_cast<uint8_t>(byte) >> 4];
    hex += "0123456789abcdef"[static_cast<uint8_t>(byte) & 15];
  }
  return hex;
}

template <typename T>
std::optional<T> optional_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return json::value_to<T>(*value);
}

template <typename T>
T value_of(const json::object& object, std::string_view name) {
  return optional_of<T>(object, name).value_or(T());
}

}  // namespace

json::object load_vocabulary(const json::object& request) {
  const json::object& fields = request.at("vocabulary").as_object();
  VocabularyData data;
  data.model = value_of<std::string>(fields, "model");
  data.pre = value_of<std::string>(fields, "pre");
  data.tokens = value_of<std::vector<std::string>>(fields, "tokens");
  data.token_types = value_of<std::vector<int32_t>>(fields, "token_types");
  data.scores = value_of<std::vector<float>>(fields, "scores");
  data.merges = value_of<std::vector<std::string>>(fields, "merges");
  data.bos = optional_of<Token>(fields, "bos");
  data.eos = optional_of<Token>(fields, "eos");
  data.unknown = optional_of<Token>(fields, "unknown");
  data.add_bos = optional_of<bool>(fields, "add_bos");
  data.add_space_prefix = optional_of<bool>(fields, "add_space_prefix");
  current = take(Tokenizer::create(std::move(data)));
  return {{"digest", current->digest()}, {"adds_bos", current->adds_bos()}};
}

json::object encode(const json::object& request) {
  const EncodeOptions options{.add_special = value_of<bool>(request, "add_special"),
                              .parse_special = value_of<bool>(request, "parse_special")};
  json::array all;
  for (const json::value& hex : request.at("hex").as_array()) {
    all.push_back(json::value_from(take(current->encode(from_hex(hex.as_string()), options))));
  }
  return {{"tokens", std::move(all)}};
}

json::object decode(const json::object& request) {
  const DecodeOptions options{.skip_special = value_of<bool>(request, "skip_special")};
  json::array texts;
  json::array bytes;
  for (const json::value& value : request.at("tokens").as_array()) {
    const auto tokens = json::value_to<std::vector<Token>>(value);
    texts.emplace_back(current->decode(tokens, options));
    bytes.emplace_back(to_hex(current->decode_bytes(tokens, options)));
  }
  return {{"texts", std::move(texts)}, {"hex", std::move(bytes)}};
}

json::object stream(const json::object& request) {
  json::array all;
  json::array stops;
  for (const json::value& value : request.at("tokens").as_array()) {
    TextStream text(*current, {});
    StopMatcher matcher(value_of<std::vector<std::string>>(request, "stops"));
    json::array parts;
    json::value stop;
    const auto add = [&](const std::string& part) {
      const StopMatcher::Output output = matcher.push(part);
      parts.emplace_back(output.text);
      if (output.stop) stop = *output.stop;
    };
    for (const Token token : json::value_to<std::vector<Token>>(value)) add(text.push(token));
    add(text.flush());
    parts.emplace_back(matcher.flush());
    all.push_back(std::move(parts));
    stops.push_back(std::move(stop));
  }
  return {{"parts", std::move(all)}, {"stop", std::move(stops)}};
}

}  // namespace weir::probe
