#include "server/openapi_schemas.h"

#include <fmt/format.h>

#include <cstdint>

#include "kv/recipe.h"
#include "server/api/read_job.h"
#include "server/api/sampling_fields.h"

namespace weir::server {
namespace {

namespace json = boost::json;

// Shorthand for schemas that have no bounds of their own.
json::value simple(std::string_view text) {
  return json::parse(text);
}

json::object nullable(std::string_view type) {
  return {{"type", json::array{type, "null"}}};
}

json::object number(const NumberRange& range, std::string_view description = {}) {
  json::object schema = nullable(range.integer ? "integer" : "number");
  const char* low = range.above_min ? "exclusiveMinimum" : "minimum";
  if (range.integer) {
    schema[low] = static_cast<int64_t>(range.min);
    schema["maximum"] = static_cast<int64_t>(range.max);
  } else {
    schema[low] = range.min;
    schema["maximum"] = range.max;
  }
  if (!description.empty()) schema["description"] = description;
  return schema;
}

json::object array_of(json::value items, size_t min, size_t max) {
  json::object schema{{"type", "array"}, {"items", std::move(items)}, {"minItems", min}};
  if (max > 0) schema["maxItems"] = max;
  return schema;
}

json::object token(const ModelInfo& model) {
  return {{"type", "integer"}, {"minimum", 0}, {"maximum", model.vocabulary - 1}};
}

json::object any_of(std::initializer_list<json::value_ref> schemas) {
  return {{"anyOf", json::array(schemas)}};
}

json::object object_schema(json::object properties, json::array required) {
  json::object schema;
  schema["type"] = "object";
  schema["properties"] = std::move(properties);
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

// What completions and chats share.
json::object sampling_properties(const ModelInfo& model) {
  json::object p;
  p["model"] = nullable("string");
  for (const NumberField& field : number_fields())
    p[field.name] = number(field.range, field.description);
  json::object seed = nullable("integer");
  seed["minimum"] = INT64_MIN;
  seed["maximum"] = INT64_MAX;
  p["seed"] = std::move(seed);
  json::object stop{{"type", "string"}, {"maxLength", kStopBytesMax}};
  json::object stop_item{{"type", "string"}, {"minLength", 1}, {"maxLength", kStopBytesMax}};
  p["stop"] = any_of({stop, array_of(stop_item, 0, kStopsMax), simple(R"({"type":"null"})")});
  p["stop_token_ids"] = array_of(token(model), 0, kStopTokensMax);
  p["logit_bias"] = simple(R"({"type":["object","null"],"propertyNames":{"pattern":"^[0-9]+$"},
      "additionalProperties":{"type":"number","minimum":-100,"maximum":100}})");
  for (const char* name : {"ignore_eos", "skip_special_tokens", "stream"})
    p[name] = nullable("boolean");
  p["stream_options"] = simple(
      R"({"type":["object","null"],"properties":{"include_usage":{"type":["boolean","null"]}}})");
  p["kv"] = nullable("string");
  p["kv"].as_object()["maxLength"] = kRecipeBytesMax;
  p["kv"].as_object()["description"] =
      "Which rows of the KV cache stay, how they are stored, and which of them a token reads: "
      "keep=snapkv(budget=0.2);store=int8;read=quest(pages=8), say; keep=all for all as they are. "
      "Absent or blank: as the server was told (--kv).";
  p["user"] = nullable("string");
  return p;
}

json::object completion_request(const ModelInfo& model) {
  json::object p = sampling_properties(model);
  const json::object text{{"type", "string"}, {"minLength", 1}};
  const json::object tokens = array_of(token(model), 1, 0);
  p["prompt"] =
      any_of({text, array_of(text, 1, kPromptsMax), tokens, array_of(tokens, 1, kPromptsMax)});
  p["max_tokens"] = number({0, kTokensMax, true}, "Of each answer. 0 only with echo.");
  p["max_tokens"].as_object()["default"] = kCompletionTokensDefault;
  p["logprobs"] = number({0, kLogprobsMax, true}, "Alternatives to report with each token.");
  p["best_of"] = number({1, kChoicesMax, true}, "Must equal n.");
  for (const char* name : {"echo", "add_special_tokens", "parse_special_tokens"})
    p[name] = nullable("boolean");
  return object_schema(std::move(p), {"prompt"});
}

json::value message_schema() {
  return simple(R"({"type":"object","required":["role","content"],"properties":{
      "role":{"enum":["system","developer","user","assistant","tool"]},
      "content":{"anyOf":[{"type":"string"},{"type":"array","items":{"type":"object",
        "required":["type","text"],
        "properties":{"type":{"const":"text"},"text":{"type":"string"}}}}]}}})");
}

void add_chat_input(json::object& p) {
  p["messages"] = array_of(message_schema(), 1, 0);
  p["tools"] = simple(R"({"type":["array","null"],"items":{"type":"object"}})");
  p["tool_choice"] = simple(R"({"enum":["none","auto",null]})");
  p["chat_template_kwargs"] = simple(R"({"type":["object","null"]})");
  p["add_generation_prompt"] = nullable("boolean");
}

json::object chat_request(const ModelInfo& model) {
  json::object p = sampling_properties(model);
  add_chat_input(p);
  p["max_tokens"] = number({1, kTokensMax, true}, "Older name of max_completion_tokens.");
  p["max_completion_tokens"] =
      number({1, kTokensMax, true}, "Of each answer; absent: until the context is full.");
  p["logprobs"] = nullable("boolean");
  p["top_logprobs"] = number({0, kLogprobsMax, true}, "Alternatives; needs logprobs.");
  p["response_format"] = simple(
      R"({"type":["object","null"],"required":["type"],"properties":{"type":{"const":"text"}}})");
  return object_schema(std::move(p), {"messages"});
}

json::object tokenize_request() {
  json::object p;
  p["model"] = nullable("string");
  p["prompt"] = json::object{{"type", "string"}};
  for (const char* name : {"add_special_tokens", "parse_special_tokens", "return_token_strs"})
    p[name] = nullable("boolean");
  json::object text = object_schema(std::move(p), {"prompt"});
  json::object q;
  q["model"] = nullable("string");
  add_chat_input(q);
  json::object chat = object_schema(std::move(q), {"messages"});
  return any_of({text, chat});
}

json::object detokenize_request(const ModelInfo& model) {
  json::object p;
  p["model"] = nullable("string");
  p["tokens"] = array_of(token(model), 0, 0);
  return object_schema(std::move(p), {"tokens"});
}

constexpr std::string_view kResponses = R"({
"Error":{"type":"object","required":["error"],"properties":{"error":{"type":"object",
  "required":["message","type","param","code"],"properties":{"message":{"type":"string"},
  "type":{"type":"string"},"param":{"type":["string","null"]},"code":{"type":["string","null"]}}}}},
"Usage":{"type":"object","required":["prompt_tokens","completion_tokens","total_tokens"],
  "properties":{"prompt_tokens":{"type":"integer"},"completion_tokens":{"type":"integer"},
  "total_tokens":{"type":"integer"},"prompt_tokens_details":{"type":"object",
  "properties":{"cached_tokens":{"type":"integer"}}}}},
"Completion":{"type":"object","required":["id","object","created","model","choices","usage"],
  "properties":{"id":{"type":"string"},"object":{"const":"text_completion"},
  "created":{"type":"integer"},"model":{"type":"string"},"system_fingerprint":{"type":"string"},
  "choices":{"type":"array","items":{"type":"object",
  "required":["index","text","logprobs","finish_reason"],"properties":{"index":{"type":"integer"},
  "text":{"type":"string"},"logprobs":{"type":["object","null"]},
  "finish_reason":{"enum":["stop","length"]}}}},"usage":{"$ref":"#/components/schemas/Usage"}}},
"ChatCompletion":{"type":"object","required":["id","object","created","model","choices","usage"],
  "properties":{"id":{"type":"string"},"object":{"const":"chat.completion"},
  "created":{"type":"integer"},"model":{"type":"string"},"system_fingerprint":{"type":"string"},
  "choices":{"type":"array","items":{"type":"object",
  "required":["index","message","logprobs","finish_reason"],
  "properties":{"index":{"type":"integer"},"message":{"type":"object",
  "required":["role","content"],"properties":{"role":{"const":"assistant"},
  "content":{"type":"string"}}},"logprobs":{"type":["object","null"]},
  "finish_reason":{"enum":["stop","length"]}}}},"usage":{"$ref":"#/components/schemas/Usage"}}},
"TokenizeResponse":{"type":"object","required":["tokens","count","max_model_len"],
  "properties":{"tokens":{"type":"array","items":{"type":"integer"}},"count":{"type":"integer"},
  "max_model_len":{"type":"integer"},
  "token_strs":{"type":["array","null"],"items":{"type":"string"}}}},
"DetokenizeResponse":{"type":"object","required":["prompt"],
  "properties":{"prompt":{"type":"string"}}},
"Model":{"type":"object","required":["id","object","created","owned_by"],
  "properties":{"id":{"type":"string"},"object":{"const":"model"},"created":{"type":"integer"},
  "owned_by":{"type":"string"},"root":{"type":"string"},"max_model_len":{"type":"integer"}}},
"ModelList":{"type":"object","required":["object","data"],"properties":{"object":{"const":"list"},
  "data":{"type":"array","items":{"$ref":"#/components/schemas/Model"}}}},
"Status":{"type":"object","required":["status"],"properties":{"status":{"type":"string"}}},
"Version":{"type":"object","required":["version"],"properties":{"version":{"type":"string"}}},
"OpenApi":{"type":"object"}
})";

}  // namespace

json::object openapi_components(const ModelInfo& model) {
  json::object schemas = simple(kResponses).as_object();
  schemas["CompletionRequest"] = completion_request(model);
  schemas["ChatRequest"] = chat_request(model);
  schemas["TokenizeRequest"] = tokenize_request();
  schemas["DetokenizeRequest"] = detokenize_request(model);
  json::object components;
  components["schemas"] = std::move(schemas);
  components["securitySchemes"] =
      json::object{{"key", json::object{{"type", "http"}, {"scheme", "bearer"}}}};
  return components;
}

}  // namespace weir::server
