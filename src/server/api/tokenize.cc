#include <fmt/format.h>

#include <boost/json.hpp>

#include "server/api/plain.h"
#include "server/api/sampling_fields.h"
#include "server/api/utf8.h"

namespace weir::server {
namespace {

namespace json = boost::json;

Result<std::vector<Token>> tokens_of(const Fields& fields, const JobContext& context) {
  if (fields.find("messages")) return read_chat_tokens(fields, context);
  WEIR_ASSIGN(const auto prompt, fields.string("prompt"));
  if (!prompt) return fail(Code::kInvalid, "prompt or messages must be given.", "prompt");
  WEIR_ASSIGN(const bool add_special, fields.boolean("add_special_tokens", true));
  WEIR_ASSIGN(const bool parse_special, fields.boolean("parse_special_tokens", false));
  return context.service.tokenize(*prompt, add_special, parse_special);
}

json::array strings_of(const std::vector<Token>& tokens, const TextService& service) {
  json::array strings;
  for (const Token token : tokens) strings.emplace_back(to_valid_utf8(bytes_of(token, service)));
  return strings;
}

}  // namespace

Result<std::string> tokenize(std::string_view body, const JobContext& context) {
  WEIR_ASSIGN(const json::object object, parse_body(body));
  const Fields fields(object);
  WEIR_TRY(read_model(fields, context));
  WEIR_ASSIGN(const bool with_strings, fields.boolean("return_token_strs", false));
  WEIR_ASSIGN(const auto tokens, tokens_of(fields, context));
  json::object out;
  out["count"] = tokens.size();
  out["max_model_len"] = context.service.info().context_tokens_max;
  out["tokens"] = json::array(tokens.begin(), tokens.end());
  out["token_strs"] =
      with_strings ? json::value(strings_of(tokens, context.service)) : json::value(nullptr);
  return json::serialize(out);
}

Result<std::string> detokenize(std::string_view body, const JobContext& context) {
  WEIR_ASSIGN(const json::object object, parse_body(body));
  const Fields fields(object);
  WEIR_TRY(read_model(fields, context));
  WEIR_ASSIGN(const json::array* array, fields.array("tokens"));
  if (!array) return fail(Code::kInvalid, "tokens is missing.", "tokens");
  WEIR_ASSIGN(const auto tokens, to_tokens(*array, context.service.info(), "tokens"));
  WEIR_ASSIGN(const std::string text, context.service.detokenize(tokens, false));
  return json::serialize(json::object{{"prompt", to_valid_utf8(text)}});
}

}  // namespace weir::server
