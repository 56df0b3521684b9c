// The life of a request for text: read, submit, and answer whole or as a stream.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/api/generation.h"
#include "server/api/read_job.h"
#include "server/http/exchange.h"
#include "server/metrics.h"

namespace weir::server {

// What all handlers share. Fields that change do so on the I/O thread.
struct Workplace {
  Workplace(TextService& text_service, Metrics& recorder, std::vector<std::string> names)
      : service(text_service),
        metrics(recorder),
        model_names(std::move(names)),
        fingerprint("weir-" + text_service.info().digest.substr(0, 12)) {}

  TextService& service;
  Metrics& metrics;
  std::vector<std::string> model_names;
  std::string fingerprint;  // system_fingerprint.
  // When the models that it serves were loaded: Unix time.
  const int64_t created = std::chrono::duration_cast<std::chrono::seconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count();
  boost::asio::thread_pool pool{2};
  bool draining = false;
  std::set<Generation*> generations;  // At work now.

  JobContext job_context() const { return {service, model_names}; }
};

using JobReader = Result<Job> (*)(std::string_view body, const JobContext& context);

boost::asio::awaitable<void> generate(Exchange& exchange, Workplace& workplace, JobReader reader);

}  // namespace weir::server
