// The whole server over memory: what clients see.
#include "server/app.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "server/api/utf8.h"
#include "server/testing/memory_server.h"

namespace weir::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
namespace json = boost::json;

std::string body_of(const std::string& response) {
  return response.substr(response.find("\r\n\r\n") + 4);
}

json::object json_of(const std::string& response) {
  return json::parse(body_of(response)).as_object();
}

// The body of a chunked response, put together.
std::string unchunk(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const size_t size = std::stoul(std::string(bytes.substr(0, bytes.find("\r\n"))), nullptr, 16);
    bytes.remove_prefix(bytes.find("\r\n") + 2);
    out += bytes.substr(0, size);
    bytes.remove_prefix(size + 2);
  }
  return out;
}

std::vector<std::string> events_of(const std::string& response) {
  std::vector<std::string> events;
  std::string text = unchunk(body_of(response));
  for (size_t end; (end = text.find("\n\n")) != std::string::npos; text.erase(0, end + 2))
    events.push_back(text.substr(0, end));
  EXPECT_EQ(text, "");
  return events;
}

std::string get_request(const std::string& path, const std::string& fields = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + fields + "\r\n";
}

TEST(App, EveryRouteAsksForAKeyUnlessListed) {
  ServerOptions options;
  options.api_keys = {"right", "also-right"};
  MemoryServer server(options);
  const std::vector<std::string_view> open = {"/health", "/ready", "/version"};
  for (const Route& route : server.app.router().routes()) {
    const auto ask = [&](const std::string& field) {
      const std::string line = std::string(route.method) + " " + std::string(route.path);
      const std::string kind = "Content-Type: application/json\r\nContent-Length: 2\r\n";
      return server.serve({line + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" +
                           (route.method == "POST" ? kind : "") + field + "\r\n" +
                           (route.method == "POST" ? "{}" : "")});
    };
    const bool is_public = std::find(open.begin(), open.end(), route.path) != open.end();
    EXPECT_EQ(is_public, route.access == Access::kPublic) << route.path;
    for (const char* field : {"", "Authorization: Bearer wrong\r\n", "Authorization: right\r\n",
                              "Authorization: Bearer\r\n", "Authorization: Bearer right2\r\n"}) {
      const std::string response = ask(field);
      if (is_public) {
        EXPECT_THAT(response, StartsWith("HTTP/1.1 200")) << route.path;
      } else {
        EXPECT_THAT(response, StartsWith("HTTP/1.1 401")) << route.path << field;
        EXPECT_THAT(response, HasSubstr("invalid_api_key"));
      }
    }
    for (const char* key : {"Bearer right", "bearer also-right"})
      EXPECT_THAT(ask("Authorization: " + std::string(key) + "\r\n"),
                  Not(StartsWith("HTTP/1.1 401")));
  }
}

TEST(App, PathsAndMethods) {
  MemoryServer server;
  EXPECT_THAT(server.serve({get_request("/nothing")}), StartsWith("HTTP/1.1 404"));
  const std::string wrong = server.serve({get_request("/v1/completions")});
  EXPECT_THAT(wrong, StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(wrong, HasSubstr("\r\nAllow: POST, OPTIONS\r\n"));
  const std::string head =
      server.serve({"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"});
  EXPECT_THAT(head, HasSubstr("Content-Length: 15\r\n"));
  EXPECT_EQ(body_of(head), "");
  EXPECT_THAT(server.serve({"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"}),
              StartsWith("HTTP/1.1 204"));
  EXPECT_EQ(json_of(server.serve({get_request("/v1/models/org%2Falias")}))["id"], "org/alias");
  EXPECT_THAT(server.serve({get_request("/v1/models/x")}), HasSubstr("model_not_found"));
}

TEST(App, RequestIds) {
  MemoryServer server;
  EXPECT_THAT(server.serve({get_request("/health", "X-Request-Id: abc-1\r\n")}),
              HasSubstr("\r\nX-Request-Id: abc-1\r\n"));
  EXPECT_THAT(server.serve({get_request("/health", "X-Request-Id: a b\"\r\n")}),
              Not(HasSubstr("a b")));
}

TEST(App, PipelinedRequestsAreAnsweredInOrder) {
  MemoryServer server;
  const std::string one = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string two = "GET /version HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string bad = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string out = server.serve({one + bad + two + one});
  size_t count = 0, at = 0;
  while ((at = out.find("HTTP/1.1 ", at)) != std::string::npos) ++count, ++at;
  EXPECT_EQ(count, 4u);
  EXPECT_LT(out.find("There is nothing"), out.find("version"));
}

TEST(App, ExpectContinueComesBeforeTheBody) {
  MemoryServer server;
  const std::string request =
      post_request("/tokenize", R"({"prompt":"a"})", "Expect: 100-continue\r\n");
  const size_t body = request.find("{");
  const std::string out = server.serve({request.substr(0, body), request.substr(body)});
  EXPECT_THAT(out, StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  const std::string refused =
      post_request("/nothing", "{}", "Expect: 100-continue\r\n").substr(0, 60);
  EXPECT_THAT(server.serve({post_request("/nothing", "{}", "Expect: 100-continue\r\n")}),
              StartsWith("HTTP/1.1 404"));
}

TEST(App, BodiesMustBeJson) {
  MemoryServer server;
  const auto ask = [&](const std::string& field) {
    return server.serve({"POST /tokenize HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + field +
                         "Content-Length: 14\r\n\r\n{\"prompt\":\"a\"}"});
  };
  for (const char* good :
       {"application/json", "Application/JSON ; charset=utf-8",
        "application/json;charset=\"UTF-8\"", "application/json; x=y; charset=utf-8"})
    EXPECT_THAT(ask(fmt::format("Content-Type: {}\r\n", good)), StartsWith("HTTP/1.1 200")) << good;
  for (const char* bad : {"text/plain", "application/jsonp", "application/json; charset=latin1",
                          "application/json; x=y; charset=utf-16"})
    EXPECT_THAT(ask(fmt::format("Content-Type: {}\r\n", bad)), StartsWith("HTTP/1.1 415")) << bad;
  EXPECT_THAT(ask(""), StartsWith("HTTP/1.1 415"));
}

TEST(App, AModelSaysWhenItWasLoaded) {
  MemoryServer server;
  const auto model = json_of(server.serve({get_request("/v1/models/fake")}));
  EXPECT_GT(model.at("created").as_int64(), 1'600'000'000);
}

TEST(App, Cors) {
  ServerOptions options;
  options.allowed_origins = {"http://good"};
  MemoryServer server(options);
  const auto preflight = [&](const std::string& origin, const std::string& more = "") {
    return server.serve(
        {"OPTIONS /v1/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
         "Access-Control-Request-Method: POST\r\n" +
         more + "Origin: " + origin + "\r\n\r\n"});
  };
  EXPECT_THAT(preflight("http://good"), HasSubstr("Access-Control-Allow-Origin: http://good\r\n"));
  EXPECT_THAT(preflight("http://good"), HasSubstr("Access-Control-Allow-Methods: POST, OPTIONS"));
  const std::string asked = "Access-Control-Request-Headers: ";
  EXPECT_THAT(preflight("http://good", asked + "x-stainless-os,authorization , x-b\r\n"),
              HasSubstr("Access-Control-Allow-Headers: Authorization, Content-Type, X-Request-Id, "
                        "x-stainless-os, authorization, x-b\r\n"));
  EXPECT_THAT(preflight("http://good", asked + "a b, <x>, , x-c\r\n"),
              HasSubstr("Content-Type, X-Request-Id, x-c\r\n"));
  EXPECT_THAT(preflight("http://good", asked + std::string(5000, 'a') + "\r\n"),
              HasSubstr("Content-Type, X-Request-Id\r\n"));
  EXPECT_THAT(preflight("http://evil"), Not(HasSubstr("Access-Control-Allow")));
  EXPECT_THAT(server.serve({get_request("/health", "Origin: http://good\r\n")}),
              HasSubstr("Access-Control-Allow-Origin: http://good\r\n"));
}

TEST(App, OriginsAreOrigins) {
  for (const char* good : {"*", "null", "http://a", "https://a.example:8443", "http://[::1]:80"})
    EXPECT_TRUE(is_origin(good)) << good;
  for (const char* bad :
       {"", "foo", "foo.example:80", "://a", "http://", "http://a/", "http://a b"})
    EXPECT_FALSE(is_origin(bad)) << bad;
}

TEST(App, Completion) {
  MemoryServer server;
  const auto answer = json_of(server.serve({post_request(
      "/v1/completions",
      R"({"prompt":"abc","echo":true,"logprobs":2,"max_tokens":1,"n":2,"model":"fake"})")}));
  EXPECT_EQ(answer.at("object"), "text_completion");
  const json::array& choices = answer.at("choices").as_array();
  ASSERT_EQ(choices.size(), 2u);
  const json::object& choice = choices[1].as_object();
  EXPECT_EQ(choice.at("index"), 1);
  EXPECT_EQ(choice.at("text"), "abca");
  EXPECT_EQ(choice.at("finish_reason"), "length");
  const json::object& logprobs = choice.at("logprobs").as_object();
  EXPECT_EQ(logprobs.at("tokens").as_array().size(), 5u);
  EXPECT_TRUE(logprobs.at("token_logprobs").as_array()[0].is_null());
  EXPECT_EQ(logprobs.at("token_logprobs").as_array()[1], -0.5);
  EXPECT_EQ(logprobs.at("top_logprobs").as_array()[1].as_object().size(), 2u);
  const json::object& usage = answer.at("usage").as_object();
  EXPECT_EQ(usage.at("prompt_tokens"), 4);
  EXPECT_EQ(usage.at("completion_tokens"), 2);
}

TEST(App, PromptsAndNothingGenerated) {
  MemoryServer server;
  const auto answer = json_of(server.serve({post_request(
      "/v1/completions", R"({"prompt":["ab","c"],"echo":true,"max_tokens":0,"logprobs":0})")}));
  const json::array& choices = answer.at("choices").as_array();
  ASSERT_EQ(choices.size(), 2u);
  EXPECT_EQ(choices[0].as_object().at("text"), "ab");
  EXPECT_EQ(choices[1].as_object().at("text"), "c");
  EXPECT_EQ(choices[1].as_object().at("finish_reason"), "length");
}

TEST(App, ChatStream) {
  MemoryServer server;
  const auto events = events_of(server.serve({post_request(
      "/v1/chat/completions",
      R"({"messages":[{"role":"user","content":"hi"}],"max_tokens":3,"stream":true,"n":2,
          "logprobs":true,"top_logprobs":1,"stream_options":{"include_usage":true}})")}));
  ASSERT_EQ(events.size(), 2u + 6 + 2 + 2);
  EXPECT_THAT(events[0], HasSubstr(R"("delta":{"role":"assistant","content":""})"));
  EXPECT_THAT(events[2], HasSubstr(R"("bytes":[91])"));
  EXPECT_THAT(events[8], HasSubstr(R"("delta":{},"logprobs")"));
  EXPECT_THAT(events[8], HasSubstr(R"("finish_reason":"length")"));
  EXPECT_THAT(events[10], HasSubstr(R"("choices":[],"usage":{"prompt_tokens")"));
  EXPECT_EQ(events[11], "data: [DONE]");
}

TEST(App, ErrorsBeforeAndWithinAStream) {
  MemoryServer server;
  const auto stream = [&](const std::string& prompt) {
    return server.serve(
        {post_request("/v1/completions", R"({"stream":true,"prompt":")" + prompt + "\"}")});
  };
  const std::string before = stream("@fail");
  EXPECT_THAT(before, StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(before, Not(HasSubstr("secret")));
  const auto events = events_of(stream("@nan"));
  EXPECT_THAT(events.back(), StartsWith(R"(data: {"error":{"message")"));
  const std::string full = stream("@full");
  EXPECT_THAT(full, StartsWith("HTTP/1.1 429"));
  EXPECT_THAT(full, HasSubstr("\r\nRetry-After: 1\r\n"));
}

// The fake repeats any byte as a token of its own, so its texts are no UTF-8.
TEST(App, EveryEventIsValidUtf8AndJson) {
  MemoryServer server;
  for (const bool stream : {true, false}) {
    std::string tokens = "[";
    for (int i = 0; i < 256; ++i) tokens += (i ? "," : "") + std::to_string(255 - i);
    const std::string body = R"({"prompt":)" + tokens + R"(],"max_tokens":256,"logprobs":1,)" +
                             R"("stream":)" + (stream ? "true" : "false") + "}";
    const std::string response = server.serve({post_request("/v1/completions", body)});
    EXPECT_TRUE(is_valid_utf8(body_of(response)));
    if (!stream) {
      json_of(response);
      continue;
    }
    auto events = events_of(response);
    EXPECT_EQ(events.back(), "data: [DONE]");
    events.pop_back();
    for (const std::string& event : events) json::parse(event.substr(6));
  }
}

TEST(App, DrainingRefusesWorkAndReadiness) {
  MemoryServer server;
  server.workplace.draining = true;
  EXPECT_THAT(server.serve({get_request("/ready")}), StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(server.serve({get_request("/health")}), StartsWith("HTTP/1.1 200"));
  const std::string refused = server.serve({post_request("/v1/completions", R"({"prompt":"a"})")});
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 503"));
  EXPECT_THAT(refused, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_THAT(refused, HasSubstr("\r\nRetry-After: 5\r\n"));
}

TEST(App, Http10StreamsUntilTheEnd) {
  MemoryServer server;
  const std::string body = R"({"prompt":"ab","stream":true,"max_tokens":2})";
  const std::string out = server.serve(
      {"POST /v1/completions HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: " +
       std::to_string(body.size()) + "\r\n\r\n" + body});
  EXPECT_THAT(out, Not(HasSubstr("chunked")));
  EXPECT_THAT(body_of(out), StartsWith("data: {"));
  EXPECT_THAT(out, HasSubstr("data: [DONE]\n\n"));
}

TEST(App, OpenApiBoundsARecipe) {
  MemoryServer server;
  const auto document = json_of(server.serve({get_request("/openapi.json")}));
  const json::value& schemas = document.at("components").at("schemas");
  for (const char* request : {"CompletionRequest", "ChatRequest"})
    EXPECT_EQ(schemas.at(request).at("properties").at("kv").at("maxLength"), 4096) << request;
}

TEST(App, OpenApiDescribesEveryRoute) {
  MemoryServer server;
  const auto document = json_of(server.serve({get_request("/openapi.json")}));
  const json::object& paths = document.at("paths").as_object();
  for (const Route& route : server.app.router().routes())
    EXPECT_TRUE(paths.contains(route.path)) << route.path;
}

}  // namespace
}  // namespace weir::server
