// The application: who may ask what, and the log of it.
#pragma once

#include <functional>

#include "server/api/generate.h"
#include "server/auth.h"
#include "server/cors.h"
#include "server/http/exchange.h"
#include "server/router.h"
#include "weir/server.h"

namespace weir::server {

class App : public Application {
 public:
  // `idle` is called whenever no request is being handled any more.
  App(Workplace& workplace, const ServerOptions& options, std::function<void()> idle);

  std::optional<HttpResponse> admit(HttpRequest& request) override;
  boost::asio::awaitable<bool> handle(Exchange& exchange) override;
  HttpResponse refusal(const Refusal& why) override;
  void decorate(const HttpRequest& request, HttpResponse& response) override;
  void served(const HttpRequest& request, const Served& served) override;
  bool draining() const override { return workplace_.draining; }

  size_t active() const { return active_; }
  const Router& router() const { return router_; }

 private:
  std::optional<HttpResponse> check_route(const HttpRequest& request) const;
  HttpResponse options_response(const HttpRequest& request) const;

  Workplace& workplace_;
  Router router_;
  KeyRing keys_;
  Cors cors_;
  std::function<void()> idle_;
  size_t active_ = 0;
};

}  // namespace weir::server
