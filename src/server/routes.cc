#include "server/routes.h"

#include <utility>

#include "server/api/errors.h"
#include "server/api/plain.h"
#include "server/offload.h"
#include "server/openapi.h"

namespace weir::server {
namespace {

namespace asio = boost::asio;

using Quick = std::function<HttpResponse(const HttpRequest&)>;
using Slow = std::function<Result<std::string>(const HttpRequest&)>;
using BodyReader = Result<std::string> (*)(std::string_view body, const JobContext& context);

asio::awaitable<void> reply_quick(Exchange& exchange, const Quick& quick) {
  HttpResponse response = quick(exchange.request());
  co_await exchange.reply(std::move(response));
}

asio::awaitable<void> reply_slow(Exchange& exchange, Workplace& workplace, const Slow& slow,
                                 std::string_view content_type) {
  std::function<Result<std::string>()> work = [&exchange, &slow] {
    return slow(exchange.request());
  };
  auto body = co_await offload<std::string>(workplace.pool, std::move(work));
  HttpResponse response;
  if (body) {
    response.body = std::move(*body);
    response.content_type = content_type;
  } else {
    response = error_response(to_api_error(body.error(), workplace.draining));
  }
  co_await exchange.reply(std::move(response));
}

// Handlers refer to what the route table holds, which outlives every exchange.
Handler quickly(Quick quick) {
  auto shared = std::make_shared<const Quick>(std::move(quick));
  return [shared](Exchange& exchange) { return reply_quick(exchange, *shared); };
}

Handler slowly(Workplace& workplace, Slow slow, std::string_view content_type) {
  auto shared = std::make_shared<const Slow>(std::move(slow));
  return [&workplace, shared, content_type](Exchange& exchange) {
    return reply_slow(exchange, workplace, *shared, content_type);
  };
}

Handler reading(Workplace& workplace, BodyReader reader) {
  auto slow = [&workplace, reader](const HttpRequest& request) {
    return reader(request.body, workplace.job_context());
  };
  return slowly(workplace, slow, "application/json");
}

Handler generating(Workplace& workplace, JobReader reader) {
  return [&workplace, reader](Exchange& exchange) { return generate(exchange, workplace, reader); };
}

Route get(std::string_view path, Access access, Quick quick, std::string_view summary,
          std::string_view schema) {
  return {"GET", path, access, false, quickly(std::move(quick)), summary, "", schema};
}

Route post(std::string_view path, Handler handler, std::string_view summary,
           std::string_view request, std::string_view response) {
  return {"POST", path, Access::kKey, true, std::move(handler), summary, request, response};
}

constexpr std::string_view kModelPath = "/v1/models/{model}";

void add_model_routes(Workplace& w, std::vector<Route>& routes) {
  auto list = [&w](const HttpRequest&) { return list_models(w); };
  auto show = [&w](const HttpRequest& request) {
    return show_model(w, path_argument(kModelPath, request.path));
  };
  routes.push_back(get("/v1/models", Access::kKey, list, "The models served", "ModelList"));
  routes.push_back(get(kModelPath, Access::kKey, show, "One model", "Model"));
}

void add_text_routes(Workplace& w, std::vector<Route>& routes) {
  routes.push_back(post("/v1/completions", generating(w, read_completion), "Continue a text",
                        "CompletionRequest", "Completion"));
  routes.push_back(post("/v1/chat/completions", generating(w, read_chat), "Answer a conversation",
                        "ChatRequest", "ChatCompletion"));
  routes.push_back(post("/tokenize", reading(w, tokenize), "Text to tokens", "TokenizeRequest",
                        "TokenizeResponse"));
  routes.push_back(post("/detokenize", reading(w, detokenize), "Tokens to text",
                        "DetokenizeRequest", "DetokenizeResponse"));
}

void add_status_routes(Workplace& w, std::vector<Route>& routes) {
  auto alive = [&w](const HttpRequest&) { return health(w); };
  auto prepared = [&w](const HttpRequest&) { return ready(w); };
  auto about = [](const HttpRequest&) { return version(); };
  auto measured = [&w](const HttpRequest&) { return metrics(w); };
  constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
  routes.push_back(get("/health", Access::kPublic, alive, "Whether the engine works", "Status"));
  routes.push_back(get("/ready", Access::kPublic, prepared, "Whether to send work", "Status"));
  routes.push_back(get("/version", Access::kPublic, about, "The server's version", "Version"));
  routes.push_back({"GET", "/metrics", Access::kKey, false, slowly(w, measured, kMetricsType),
                    "Prometheus metrics", "", ""});
}

}  // namespace

std::vector<Route> make_routes(Workplace& workplace) {
  std::vector<Route> routes;
  add_model_routes(workplace, routes);
  add_text_routes(workplace, routes);
  add_status_routes(workplace, routes);
  routes.push_back(get("/openapi.json", Access::kKey, {}, "This description", "OpenApi"));
  const std::string document = openapi_document(routes, workplace.service.info());
  routes.back().handler = quickly([document](const HttpRequest&) {
    HttpResponse response;
    response.body = document;
    return response;
  });
  return routes;
}

}  // namespace weir::server
