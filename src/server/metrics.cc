#include "server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>

namespace weir::server {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;
using Buckets = Histogram::BucketBoundaries;

const Buckets kFirstTokenBuckets = {.001, .005, .01, .02, .04, .06, .08, .1, .25, .5,  .75,
                                    1,    2.5,  5,   7.5, 10,  20,  40,  80, 160, 640, 2560};
const Buckets kTokenBuckets = {.01, .025, .05, .075, .1,  .15, .2, .3, .4, .5,
                               .75, 1,    2.5, 5,    7.5, 10,  20, 40, 80};
const Buckets kRequestBuckets = {.3, .5, .8, 1,  1.5, 2,   2.5, 5,   10,   15,  20,
                                 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680};
const Buckets kCountBuckets = {1,   2,    5,    10,   20,    50,    100,   200,
                               500, 1000, 2000, 5000, 10000, 20000, 50000, 100000};
const Buckets kChoiceBuckets = {1, 2, 5, 10, 20};
const Buckets kHttpBuckets = {.001, .005, .01, .05, .1, .5, 1, 2.5, 5, 10, 30, 60, 120};

double seconds(Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

struct Metrics::Registered {
  explicit Registered(const std::string& model) : labels{{"model_name", model}} {}

  Gauge& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add(labels);
  }
  Counter& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry).Add(labels);
  }
  Histogram& histogram(const char* name, const char* help, const Buckets& buckets) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry).Add(labels,
                                                                                     buckets);
  }

  prometheus::Registry registry;
  Labels labels;
  Gauge& running = gauge("weir:num_requests_running", "Requests that compute.");
  Gauge& waiting = gauge("weir:num_requests_waiting", "Requests in the queue.");
  Gauge& kv_usage = gauge("weir:kv_cache_usage_perc", "Used share of the KV budget, 0 to 1.");
  Counter& prompt_tokens = counter("weir:prompt_tokens_total", "Prompt tokens computed.");
  Counter& generated_tokens = counter("weir:generation_tokens_total", "Tokens generated.");
  Histogram& first_token = histogram("weir:time_to_first_token_seconds",
                                     "From submission to the first token.", kFirstTokenBuckets);
  Histogram& between_tokens = histogram("weir:inter_token_latency_seconds",
                                        "Between two tokens of a choice.", kTokenBuckets);
  Histogram& per_token = histogram("weir:request_time_per_output_token_seconds",
                                   "Mean time per token after the first.", kTokenBuckets);
  Histogram& total =
      histogram("weir:e2e_request_latency_seconds", "From submission to the end.", kRequestBuckets);
  Histogram& prompt_size =
      histogram("weir:request_prompt_tokens", "Prompt tokens of a request.", kCountBuckets);
  Histogram& answer_size =
      histogram("weir:request_generation_tokens", "Tokens generated for a request.", kCountBuckets);
  Histogram& max_tokens =
      histogram("weir:request_params_max_tokens", "max_tokens of a request.", kCountBuckets);
  Histogram& choices = histogram("weir:request_params_n", "n of a request.", kChoiceBuckets);
  Family<Counter>& success = prometheus::BuildCounter()
                                 .Name("weir:request_success_total")
                                 .Help("Choices that ended, by reason.")
                                 .Register(registry);
  Family<Counter>& http_requests = prometheus::BuildCounter()
                                       .Name("http_requests_total")
                                       .Help("HTTP requests.")
                                       .Register(registry);
  Family<Histogram>& http_duration = prometheus::BuildHistogram()
                                         .Name("http_request_duration_seconds")
                                         .Help("From a request's arrival to its answer's end.")
                                         .Register(registry);
  std::mutex mutex;  // One scrape at a time: counters grow by differences.
};

Metrics::Metrics(const std::string& model_name)
    : registered_(std::make_unique<Registered>(model_name)) {
  for (const char* reason : {"stop", "length", "abort", "error"})
    registered_->success.Add({{"model_name", model_name}, {"finished_reason", reason}});
}

Metrics::~Metrics() = default;

void Metrics::http_request(std::string_view route, std::string_view method, int status,
                           Clock::duration duration) {
  const std::string handler(route);
  const std::string verb(method);
  registered_->http_requests
      .Add({{"handler", handler}, {"method", verb}, {"status", std::to_string(status)}})
      .Increment();
  registered_->http_duration.Add({{"handler", handler}, {"method", verb}}, kHttpBuckets)
      .Observe(seconds(duration));
}

void Metrics::time_to_first_token(Clock::duration duration) {
  registered_->first_token.Observe(seconds(duration));
}

void Metrics::between_tokens(Clock::duration duration) {
  registered_->between_tokens.Observe(seconds(duration));
}

void Metrics::finished(const Finished& finished) {
  registered_->total.Observe(seconds(finished.total));
  registered_->prompt_size.Observe(finished.usage.prompt_tokens);
  registered_->answer_size.Observe(finished.usage.completion_tokens);
  registered_->choices.Observe(finished.choices);
  if (finished.max_tokens > 0) registered_->max_tokens.Observe(finished.max_tokens);
  const uint32_t each = finished.usage.completion_tokens / finished.choices;
  if (each > 1) registered_->per_token.Observe(seconds(finished.decoding) / (each - 1));
}

void Metrics::choice_finished(std::string_view reason) {
  Labels labels = registered_->labels;
  labels.emplace("finished_reason", reason);
  registered_->success.Add(labels).Increment();
}

std::string Metrics::render(const EngineStats& stats) {
  const std::lock_guard lock(registered_->mutex);
  Registered& r = *registered_;
  r.running.Set(stats.requests_running);
  r.waiting.Set(stats.requests_waiting);
  const auto budget = static_cast<double>(stats.kv_bytes_max);
  r.kv_usage.Set(budget > 0 ? static_cast<double>(stats.kv_bytes_used) / budget : 0);
  r.prompt_tokens.Increment(static_cast<double>(stats.prompt_tokens) - r.prompt_tokens.Value());
  r.generated_tokens.Increment(static_cast<double>(stats.generated_tokens) -
                               r.generated_tokens.Value());
  return prometheus::TextSerializer().Serialize(r.registry.Collect());
}

}  // namespace weir::server
