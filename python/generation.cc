#include <chrono>
#include <condition_variable>
#include <deque>
#include <variant>

#include "bindings.h"

namespace weir::python {
namespace {

// Events from the engine's thread to Python's. Unbounded: a request makes a bounded number.
class EventQueue {
 public:
  void push(const Event& event) {
    std::lock_guard lock(mutex_);
    events_.push_back(event);
    changed_.notify_all();
  }
  // Waits without the GIL, but looks for Ctrl-C.
  Event pop() {
    for (;;) {
      {
        nb::gil_scoped_release release;
        std::unique_lock lock(mutex_);
        if (changed_.wait_for(lock, std::chrono::milliseconds(100),
                              [&] { return !events_.empty(); })) {
          Event event = std::move(events_.front());
          events_.pop_front();
          return event;
        }
      }
      if (PyErr_CheckSignals() != 0) throw nb::python_error();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
};

// A running request, as an iterator over its events. Dropping it cancels it.
class Generation {
 public:
  Generation(EnginePointer engine, Request request)
      : engine_(std::move(engine)), queue_(std::make_shared<EventQueue>()) {
    id_ = take(released([&] {
      return engine_->submit(std::move(request),
                             [queue = queue_](const Event& event) { queue->push(event); });
    }));
  }
  ~Generation() { cancel(); }
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  nb::object next() {
    if (ended_) throw nb::stop_iteration();
    const Event event = queue_->pop();
    if (const auto* end = std::get_if<EndEvent>(&event)) {
      ended_ = true;
      usage = end->usage;
      if (!end->status) raise(end->status.error());
      throw nb::stop_iteration();
    }
    return std::visit([](const auto& e) { return nb::cast(e); }, event);
  }

  void cancel() {
    if (!ended_) engine_->cancel(id_);
  }

  // Takes all that is left; the text of choice 0.
  std::string text() {
    std::string out;
    while (!ended_) {
      const Event event = queue_->pop();
      if (const auto* token = std::get_if<TokenEvent>(&event)) {
        if (token->choice == 0) out += token->text;
      } else if (const auto* choice = std::get_if<ChoiceEvent>(&event)) {
        if (choice->choice == 0) out += choice->text;
      } else if (const auto* end = std::get_if<EndEvent>(&event)) {
        ended_ = true;
        usage = end->usage;
        if (!end->status) raise(end->status.error());
      }
    }
    return out;
  }

  std::optional<Usage> usage;

 private:
  EnginePointer engine_;
  std::shared_ptr<EventQueue> queue_;
  RequestId id_ = 0;
  bool ended_ = false;
};

// A text, a list of tokens, or a list of messages.
std::vector<Token> prompt_tokens(const Engine& engine, nb::object prompt) {
  std::vector<Token> tokens;
  if (nb::isinstance<nb::str>(prompt))
    return take(engine.tokenize(utf8(nb::borrow<nb::str>(prompt)), true, false));
  if (nb::try_cast(prompt, tokens)) return tokens;
  ChatInput input;
  input.messages_json = dump_json(prompt);
  return take(engine.chat_tokens(input));
}

std::unique_ptr<Generation> generate(const EnginePointer& engine, nb::object prompt,
                                     const std::optional<SamplingOptions>& sampling,
                                     uint32_t max_tokens, uint32_t choices,
                                     std::vector<std::string> stop, std::vector<Token> stop_tokens,
                                     uint32_t min_tokens, bool ignore_eos, int logprobs,
                                     int prompt_logprobs, std::string kv) {
  if (!engine) raise({Code::kInvalid, "the engine is closed", ""});
  Request request;
  request.prompt = prompt_tokens(*engine, std::move(prompt));
  if (sampling) request.sampling = *sampling;
  request.max_tokens = max_tokens;
  request.choices = choices;
  request.stop = std::move(stop);
  request.stop_tokens = std::move(stop_tokens);
  request.min_tokens = min_tokens;
  request.ignore_eos = ignore_eos;
  request.logprobs = logprobs;
  request.prompt_logprobs = prompt_logprobs;
  request.kv = std::move(kv);
  return std::make_unique<Generation>(engine, std::move(request));
}

const char* name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancelled:
      break;
  }
  return "cancelled";
}

void bind_events(nb::module_& module) {
  nb::class_<TokenLogprob>(module, "TokenLogprob", "A token and its natural log-probability.")
      .def_ro("token", &TokenLogprob::token)
      .def_ro("logprob", &TokenLogprob::logprob)
      .def_ro("top", &TokenLogprob::top, "Pairs of token and log-probability, likeliest first.");
  nb::class_<PromptEvent>(module, "PromptEvent", "The prompt is computed.")
      .def_ro("logprobs", &PromptEvent::logprobs, "One per prompt token, if asked for.");
  nb::class_<TokenEvent>(module, "TokenEvent", "One generated token.")
      .def_ro("choice", &TokenEvent::choice)
      .def_ro("text", &TokenEvent::text, "What became certain with it; it may be empty.")
      .def_prop_ro("token", [](const TokenEvent& e) { return e.token.token; })
      .def_prop_ro("logprob", [](const TokenEvent& e) { return e.token.logprob; })
      .def_prop_ro("top", [](const TokenEvent& e) { return e.token.top; });
  nb::class_<ChoiceEvent>(module, "ChoiceEvent", "A choice is done.")
      .def_ro("choice", &ChoiceEvent::choice)
      .def_ro("text", &ChoiceEvent::text, "What was still held back.")
      .def_prop_ro(
          "reason", [](const ChoiceEvent& e) { return name(e.reason); },
          "'stop', 'length' or 'cancelled'")
      .def_ro("stop", &ChoiceEvent::stop, "The stop text that ended it, or empty.");
  nb::class_<Usage>(module, "Usage", "Tokens of a request.")
      .def_ro("prompt_tokens", &Usage::prompt_tokens)
      .def_ro("completion_tokens", &Usage::completion_tokens)
      .def_ro("cached_tokens", &Usage::cached_tokens);
}

}  // namespace

void bind_generation(nb::module_& module, nb::class_<EnginePointer>& engine) {
  bind_events(module);
  nb::class_<Generation>(module, "Generation",
                         "A running request: an iterator over PromptEvent, TokenEvent and "
                         "ChoiceEvent. Dropping it cancels the request.")
      .def("__iter__", [](nb::handle self) { return nb::borrow(self); })
      .def("__next__", &Generation::next,
           nb::sig("def __next__(self) -> PromptEvent | TokenEvent | ChoiceEvent"))
      .def("cancel", &Generation::cancel, "Ends the request within one step.")
      .def("text", &Generation::text, "Waits for the end; the text of choice 0 still to come.")
      .def_ro("usage", &Generation::usage, "None until the end.");
  engine.def("generate", generate, nb::arg("prompt"), nb::arg("sampling") = nb::none(),
             nb::kw_only(), nb::arg("max_tokens") = 0, nb::arg("choices") = 1,
             nb::arg("stop") = std::vector<std::string>(),
             nb::arg("stop_tokens") = std::vector<Token>(), nb::arg("min_tokens") = 0,
             nb::arg("ignore_eos") = false, nb::arg("logprobs") = -1,
             nb::arg("prompt_logprobs") = -1, nb::arg("kv") = "",
             "Continues a prompt: a text, a list of tokens, or a list of messages for the chat "
             "template. Returns a Generation to iterate over. max_tokens 0: until the context is "
             "full. kv is a recipe; without one, the engine's.");
}

}  // namespace weir::python
