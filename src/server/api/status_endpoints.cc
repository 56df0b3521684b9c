#include <boost/json.hpp>

#include "server/api/errors.h"
#include "server/api/plain.h"

namespace weir::server {
namespace {

namespace json = boost::json;

// A step may be long on a small machine; work that has not moved for so long never will.
constexpr std::chrono::seconds kStepMax{120};

HttpResponse ok(const json::value& body) {
  HttpResponse response;
  response.body = json::serialize(body);
  return response;
}

json::object model_json(const Workplace& workplace, const std::string& name) {
  const ModelInfo& info = workplace.service.info();
  json::object model;
  model["id"] = name;
  model["object"] = "model";
  model["created"] = workplace.created;
  model["owned_by"] = "weir";
  model["root"] = workplace.model_names.front();
  model["max_model_len"] = info.context_tokens_max;
  return model;
}

bool engine_moves(const Workplace& workplace) {
  const EngineStats stats = workplace.service.stats();
  if (stats.requests_running + stats.requests_waiting == 0) return true;
  return Clock::now() - stats.last_step < kStepMax;
}

HttpResponse unavailable(const char* code, const char* message) {
  return error_response({503, "server_error", code, message, ""});
}

}  // namespace

HttpResponse list_models(const Workplace& workplace) {
  json::array data;
  for (const std::string& name : workplace.model_names) data.push_back(model_json(workplace, name));
  return ok(json::object{{"object", "list"}, {"data", std::move(data)}});
}

HttpResponse show_model(const Workplace& workplace, const std::string& name) {
  for (const std::string& known : workplace.model_names)
    if (known == name) return ok(model_json(workplace, name));
  return error_response({404, "invalid_request_error", "model_not_found",
                         "This model does not exist here.", "model"});
}

HttpResponse health(const Workplace& workplace) {
  if (!engine_moves(workplace)) return unavailable("engine_stalled", "The engine does not move.");
  return ok(json::object{{"status", "ok"}});
}

HttpResponse ready(const Workplace& workplace) {
  if (workplace.draining) return unavailable("shutting_down", "The server is shutting down.");
  if (!engine_moves(workplace)) return unavailable("engine_stalled", "The engine does not move.");
  return ok(json::object{{"status", "ready"}});
}

HttpResponse version() {
  return ok(json::object{{"version", WEIR_VERSION}});
}

Result<std::string> metrics(const Workplace& workplace) {
  return workplace.metrics.render(workplace.service.stats());
}

}  // namespace weir::server
