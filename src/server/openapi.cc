#include "server/openapi.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "server/openapi_schemas.h"

namespace weir::server {
namespace {

namespace json = boost::json;

json::object reference(std::string_view schema) {
  return {{"$ref", fmt::format("#/components/schemas/{}", schema)}};
}

json::object content(std::string_view type, json::value schema) {
  json::object media;
  media[type] = json::object{{"schema", std::move(schema)}};
  return media;
}

void add_error(std::string_view status, std::string_view why, json::object& responses) {
  json::object response;
  response["description"] = why;
  response["content"] = content("application/json", reference("Error"));
  responses[status] = std::move(response);
}

json::object responses_of(const Route& route) {
  json::object good;
  good["description"] = "The answer";
  good["content"] = route.response_schema.empty()
                        ? content("text/plain", json::object{{"type", "string"}})
                        : content("application/json", reference(route.response_schema));
  json::object responses;
  if (route.path.ends_with("completions"))
    good["content"].as_object()["text/event-stream"] =
        json::object{{"schema", json::object{{"type", "string"}}}};
  responses["200"] = std::move(good);
  if (route.access == Access::kKey) add_error("401", "No key, or a wrong one", responses);
  if (!route.request_schema.empty()) {
    add_error("400", "The request is wrong; param names the field", responses);
    add_error("413", "The body is too large", responses);
    add_error("415", "The body is not JSON", responses);
    add_error("429", "Too much is waiting; see Retry-After", responses);
  }
  if (!route.request_schema.empty() || route.path.find('{') != std::string_view::npos)
    add_error("404", "The model does not exist", responses);
  if (route.path == "/health" || route.path == "/ready" || route.works)
    add_error("503", "Not now; see Retry-After", responses);
  return responses;
}

json::object operation_of(const Route& route) {
  json::object operation;
  operation["summary"] = route.summary;
  std::string id = fmt::format("{}{}", route.method, route.path);
  std::replace_if(
      id.begin(), id.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); },
      '_');
  operation["operationId"] = id;
  if (const size_t brace = route.path.find('{'); brace != std::string_view::npos) {
    json::object parameter;
    parameter["name"] = route.path.substr(brace + 1, route.path.size() - brace - 2);
    parameter["in"] = "path";
    parameter["required"] = true;
    parameter["schema"] = json::object{{"type", "string"}, {"minLength", 1}};
    operation["parameters"] = json::array{std::move(parameter)};
  }
  if (!route.request_schema.empty()) {
    json::object body;
    body["required"] = true;
    body["content"] = content("application/json", reference(route.request_schema));
    operation["requestBody"] = std::move(body);
  }
  operation["responses"] = responses_of(route);
  if (route.access == Access::kPublic) operation["security"] = json::array();
  return operation;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

std::string openapi_document(std::span<const Route> routes, const ModelInfo& model) {
  json::object paths;
  for (const Route& route : routes) {
    json::value& path = paths[route.path];
    if (!path.is_object()) path = json::object();
    path.as_object()[lower(route.method)] = operation_of(route);
  }
  json::object document;
  document["openapi"] = "3.1.0";
  document["info"] = json::object{{"title", "weir"}, {"version", WEIR_VERSION}};
  document["paths"] = std::move(paths);
  document["components"] = openapi_components(model);
  json::array security;  // A key, or none where the server asks for none.
  security.push_back(json::object{{"key", json::array()}});
  security.push_back(json::object());
  document["security"] = std::move(security);
  return json::serialize(document);
}

}  // namespace weir::server
