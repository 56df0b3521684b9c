#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <condition_variable>
#include <iostream>
#include <iterator>
#include <memory>
#include <mutex>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/open.h"
#include "cli/utf8.h"

namespace weir::cli {
namespace {

struct RunArgs {
  std::string model, prompt, system;
  bool raw = false, json = false;
  EngineOptions engine;
  GenerationArgs generation;
};

// What comes of the request: written on the engine's thread, read when it is done.
class Answer {
 public:
  explicit Answer(bool shown) : shown_(shown) {}

  void take(const Event& event) {
    std::lock_guard lock(mutex_);
    if (const auto* token = std::get_if<TokenEvent>(&event)) {
      if (first_s == 0) first_s = seconds_now();
      add(token->text);
    } else if (const auto* choice = std::get_if<ChoiceEvent>(&event)) {
      add(choice->text);
    } else if (const auto* end = std::get_if<EndEvent>(&event)) {
      usage = end->usage;
      status = end->status;
      end_s = seconds_now();
      done_ = true;
      changed_.notify_all();
    }
  }

  // Returns when the request has ended; calls `cancel` once if the user interrupts it, or nobody
  // gets what it gives.
  void wait(const std::function<void()>& cancel) {
    std::unique_lock lock(mutex_);
    bool cancelled = false;
    while (!done_) {
      changed_.wait_for(lock, std::chrono::milliseconds(50));
      if (!InterruptScope::interrupted() && !output_lost()) continue;
      if (std::exchange(cancelled, true)) continue;
      lock.unlock();
      cancel();
      lock.lock();
    }
  }

  std::string text;
  Usage usage;
  Status status;
  double first_s = 0, end_s = 0;

 private:
  void add(const std::string& more) {
    text += more;
    if (shown_ && !more.empty()) put(more);
  }

  const bool shown_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

Result<std::vector<Token>> prompt_tokens(const Engine& engine, const RunArgs& args) {
  if (args.raw || !engine.info().has_chat_template) {
    const std::string text = args.system.empty() ? args.prompt : args.system + "\n" + args.prompt;
    return engine.tokenize(text, true, false);
  }
  boost::json::array messages;
  if (!args.system.empty())
    messages.push_back(boost::json::object{{"role", "system"}, {"content", args.system}});
  messages.push_back(boost::json::object{{"role", "user"}, {"content", args.prompt}});
  ChatInput input;
  input.messages_json = boost::json::serialize(messages);
  return engine.chat_tokens(input);
}

boost::json::object json_of(const RunArgs& args, const Answer& answer, double load_s,
                            double start_s) {
  const double decode_s = answer.first_s > 0 ? answer.end_s - answer.first_s : 0;
  const uint32_t tokens = answer.usage.completion_tokens;
  return {{"model", args.model},
          {"prompt", args.prompt},
          {"text", answer.text},
          {"usage",
           {{"prompt_tokens", answer.usage.prompt_tokens},
            {"completion_tokens", tokens},
            {"cached_tokens", answer.usage.cached_tokens}}},
          {"timings",
           {{"load_s", load_s},
            {"first_token_s", answer.first_s > 0 ? answer.first_s - start_s : 0},
            {"total_s", answer.end_s - start_s},
            {"tokens_per_s", decode_s > 0 && tokens > 1 ? (tokens - 1) / decode_s : 0}}}};
}

Result<int> answer_prompt(const RunArgs& args) {
  WEIR_TRY(check_utf8("the prompt", args.prompt));
  WEIR_TRY(check_utf8("the system message", args.system));
  WEIR_ASSIGN(const OpenedModel opened, open_engine(args.model, args.engine));
  Request request;
  WEIR_ASSIGN(request.prompt, prompt_tokens(*opened.engine, args));
  request.sampling = args.generation.sampling;
  request.max_tokens = args.generation.max_tokens;
  request.stop = args.generation.stop;

  const InterruptScope interrupt;
  Answer answer(!args.json);
  const double start_s = seconds_now();
  WEIR_ASSIGN(const RequestId id,
              opened.engine->submit(std::move(request), [&](const Event& e) { answer.take(e); }));
  answer.wait([&] { opened.engine->cancel(id); });
  const bool interrupted = InterruptScope::interrupted();
  if (output_lost()) return kFailure;
  if (args.json)
    put_json(json_of(args, answer, opened.load_s, start_s));
  else
    put("\n");
  if (!answer.status && !interrupted) return fail(answer.status.error());
  return interrupted ? kInterrupted : kSuccess;
}

int run(RunArgs args) {
  if (args.prompt == "-")
    args.prompt.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  const auto code = answer_prompt(args);
  return code ? *code : report(code.error());
}

}  // namespace

void add_run(CLI::App& command, Job& job) {
  auto args = std::make_shared<RunArgs>();
  command.add_option("MODEL", args->model, "A model's name, or a GGUF file")->required();
  command.add_option("PROMPT", args->prompt, "The prompt; - reads it from standard input")
      ->required();
  command.add_option("--system", args->system, "The system message");
  command.add_flag("--raw", args->raw, "Go on from the prompt; no chat template");
  command.add_flag("--json", args->json, "Print one JSON object at the end");
  add_engine_options(command, args->engine, false);
  add_generation_options(command, args->generation);
  command.callback([args, &job] { job = [args] { return run(*args); }; });
}

}  // namespace weir::cli
