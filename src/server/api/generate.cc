#include "server/api/generate.h"

#include <boost/json.hpp>
#include <utility>

#include "server/api/answer.h"
#include "server/api/envelope.h"
#include "server/api/errors.h"
#include "server/offload.h"

namespace weir::server {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// A stream that has nothing to say for so long says that it lives.
constexpr std::chrono::seconds kKeepAlive{15};

// Waits for events and applies them. False: the client is gone, or reads too slowly.
asio::awaitable<bool> next_parts(Exchange& exchange, GenerationGuard& generation, Answer& answer,
                                 std::vector<ChoicePart>& parts) {
  const auto deadline = Clock::now() + kKeepAlive;
  while (true) {
    if (exchange.gone() || generation->overrun()) co_return false;
    auto arrivals = generation->take();
    for (Arrival& arrival : arrivals) {
      if (answer.done()) break;
      for (ChoicePart& part : answer.apply(std::move(arrival))) parts.push_back(std::move(part));
    }
    if (!parts.empty() || answer.done()) co_return true;
    const bool notified = co_await exchange.wakeup().wait_until(deadline);
    if (!notified) co_return true;
  }
}

void leave(Exchange& exchange, Answer& answer) {
  answer.abandon();
  exchange.abort();
}

std::string error_event(const Error& error, const Workplace& workplace) {
  return sse_event(error_json(to_api_error(error, workplace.draining)));
}

// The events of a stream, in order: openings, parts, the end.
class StreamWriter {
 public:
  StreamWriter(const Job& job, const Workplace& workplace)
      : job_(job),
        service_(workplace.service),
        envelope_(make_envelope(job, workplace.fingerprint)),
        opened_(job.requests.size() * job.requests.front().choices) {}

  void write(const ChoicePart& part, std::string& out) {
    const ReplyFormat& format = *job_.format;
    if (format.opens_with_role() && !opened_[part.index]) {
      put(format.opening(part.index), out);
      opened_[part.index] = true;
    }
    const bool says_something =
        !part.text.empty() || !part.tokens.empty() || !part.finish_reason.empty();
    if (says_something) put(format.chunk(part, service_), out);
  }

  void end(const Usage& usage, std::string& out) const {
    if (job_.include_usage) {
      json::object chunk = envelope_.around(job_.format->chunk_object(), {});
      chunk["usage"] = usage_json(usage);
      out += sse_event(json::serialize(chunk));
    }
    out += sse_event("[DONE]");
  }

 private:
  void put(json::object choice, std::string& out) const {
    json::array choices;
    choices.push_back(std::move(choice));
    out += sse_event(
        json::serialize(envelope_.around(job_.format->chunk_object(), std::move(choices))));
  }

  const Job& job_;
  const TextService& service_;
  Envelope envelope_;
  std::vector<bool> opened_;
};

// Nothing is sent before the first event: a request that fails at once gets a plain error.
asio::awaitable<void> reply_stream(Exchange& exchange, Workplace& workplace, const Job& job,
                                   GenerationGuard& generation) {
  Answer answer(job, workplace.service, workplace.metrics);
  StreamWriter writer(job, workplace);
  bool begun = false;
  while (!answer.done()) {
    std::vector<ChoicePart> parts;
    const bool going = co_await next_parts(exchange, generation, answer, parts);
    if (!going) co_return leave(exchange, answer);
    if (!begun && answer.error()) {
      HttpResponse response = error_response(to_api_error(*answer.error(), workplace.draining));
      co_await exchange.reply(std::move(response));
      co_return;
    }
    std::string out;
    for (const ChoicePart& part : parts) writer.write(part, out);
    if (answer.error()) {
      out += error_event(*answer.error(), workplace);
    } else if (answer.done()) {
      writer.end(answer.usage(), out);
    } else if (out.empty() && parts.empty()) {
      out = ": waiting\n\n";
    }
    if (!begun) {
      HttpResponse head;
      head.content_type = "text/event-stream; charset=utf-8";
      head.headers.push_back({"Cache-Control", "no-cache"});
      begun = co_await exchange.begin_stream(std::move(head));
    }
    const bool sent = co_await exchange.stream(std::move(out));
    if (!sent) co_return leave(exchange, answer);
  }
  co_await exchange.end_stream();
}

std::string whole_body(const Job& job, const Workplace& workplace, const Usage& usage,
                       const std::vector<ChoicePart>& choices) {
  json::array array;
  for (const ChoicePart& choice : choices)
    array.push_back(job.format->whole(choice, workplace.service));
  json::object body = make_envelope(job, workplace.fingerprint)
                          .around(job.format->whole_object(), std::move(array));
  body["usage"] = usage_json(usage);
  return json::serialize(body);
}

void merge(ChoicePart part, ChoicePart& whole) {
  whole.text += part.text;
  whole.with_logprobs |= part.with_logprobs;
  whole.first_unpredicted |= part.first_unpredicted;
  if (!part.finish_reason.empty()) whole.finish_reason = part.finish_reason;
  std::move(part.tokens.begin(), part.tokens.end(), std::back_inserter(whole.tokens));
}

asio::awaitable<void> reply_whole(Exchange& exchange, Workplace& workplace, const Job& job,
                                  GenerationGuard& generation) {
  Answer answer(job, workplace.service, workplace.metrics);
  std::vector<ChoicePart> choices(job.requests.size() * job.requests.front().choices);
  for (uint32_t i = 0; i < choices.size(); ++i) {
    choices[i].index = i;
    choices[i].with_logprobs = job.logprobs;
  }
  while (!answer.done()) {
    std::vector<ChoicePart> parts;
    const bool going = co_await next_parts(exchange, generation, answer, parts);
    if (!going) co_return leave(exchange, answer);
    for (ChoicePart& part : parts) merge(std::move(part), choices.at(part.index));
  }
  HttpResponse response;
  if (answer.error()) {
    response = error_response(to_api_error(*answer.error(), workplace.draining));
  } else {
    // Many log-probabilities make a large text: not on the I/O thread.
    std::function<Result<std::string>()> work = [&] {
      return Result<std::string>(whole_body(job, workplace, answer.usage(), choices));
    };
    auto body = co_await offload<std::string>(workplace.pool, std::move(work));
    if (body) {
      response.body = std::move(*body);
    } else {
      response = error_response(to_api_error(body.error(), false));
    }
  }
  co_await exchange.reply(std::move(response));
}

// Keeps the list of what is at work.
class Registration {
 public:
  Registration(Workplace& workplace, Generation* generation)
      : workplace_(workplace), generation_(generation) {
    workplace_.generations.insert(generation_);
  }
  ~Registration() { workplace_.generations.erase(generation_); }
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

 private:
  Workplace& workplace_;
  Generation* generation_;
};

}  // namespace

asio::awaitable<void> generate(Exchange& exchange, Workplace& workplace, JobReader reader) {
  std::function<Result<Job>()> read = [&] {
    return reader(exchange.request().body, workplace.job_context());
  };
  auto job = co_await offload<Job>(workplace.pool, std::move(read));
  if (!job) {
    HttpResponse response = error_response(to_api_error(job.error(), workplace.draining));
    co_await exchange.reply(std::move(response));
    co_return;
  }
  if (exchange.gone()) {
    Answer unbegun(*job, workplace.service, workplace.metrics);
    co_return leave(exchange, unbegun);
  }
  Generation::Hooks hooks;
  hooks.arrived = [&exchange] { exchange.wakeup().notify(); };
  hooks.overrun = [&exchange] { exchange.abort(); };
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  // A whole answer is collected here in any case; only a stream depends on its reader.
  const size_t choices = job->requests.size() * job->requests.front().choices;
  const size_t events_max = job->stream ? stream_events_max(choices) : SIZE_MAX;
  auto started =
      Generation::start(workplace.service, job->requests, executor, std::move(hooks), events_max);
  if (!started) {
    HttpResponse response = error_response(to_api_error(started.error(), workplace.draining));
    co_await exchange.reply(std::move(response));
    co_return;
  }
  GenerationGuard generation(*started);
  const Registration registration(workplace, started->get());
  exchange.when_gone([&generation] { generation->cancel(); });
  if (job->stream) {
    co_await reply_stream(exchange, workplace, *job, generation);
  } else {
    co_await reply_whole(exchange, workplace, *job, generation);
  }
  exchange.when_gone(nullptr);
}

}  // namespace weir::server
