#include <fmt/format.h>

#include <memory>
#include <optional>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/conversation.h"
#include "cli/line_editor.h"
#include "cli/open.h"
#include "cli/utf8.h"
#include "weir/model_summary.h"
#include "weir/models.h"

namespace weir::cli {
namespace {

struct ChatArgs {
  std::string model, system;
  bool json = false;
  EngineOptions engine;
  GenerationArgs generation;
};

constexpr std::string_view kHelp =
    "/reset         forget the conversation\n"
    "/system TEXT   set the system message (none: remove it), and reset\n"
    "/help          this\n"
    "Ctrl-C         interrupt an answer, or drop the line\n"
    "Ctrl-D         leave\n"
    "A line that ends in a backslash goes on in the next one.\n";

std::string status_line(const Turn& turn) {
  std::string line =
      fmt::format("[{} tokens, {:.1f} tokens/s; prompt {} tokens, {} of them kept; KV {}]",
                  turn.completion_tokens, turn.tokens_per_s(), turn.prompt_tokens,
                  turn.cached_tokens, human_bytes(turn.kv_bytes));
  if (turn.interrupted) line += " interrupted";
  if (turn.context_full) line += " the context is full: /reset starts anew";
  return output_is_terminal() ? "\033[2m" + line + "\033[0m\n" : line + "\n";
}

boost::json::object json_of(const Turn& turn) {
  return {{"text", turn.text},
          {"interrupted", turn.interrupted},
          {"usage",
           {{"prompt_tokens", turn.prompt_tokens},
            {"completion_tokens", turn.completion_tokens},
            {"cached_tokens", turn.cached_tokens}}},
          {"kv_bytes", turn.kv_bytes},
          {"timings",
           {{"prefill_s", turn.prefill_s},
            {"decode_s", turn.decode_s},
            {"tokens_per_s", turn.tokens_per_s()}}}};
}

void answer(Conversation& conversation, const std::string& text, bool json) {
  const auto turn = conversation.answer(
      text,
      [&](std::string_view more) {
        if (!json) put(more);
      },
      [] { return InterruptScope::interrupted() || output_lost(); });
  if (!turn)
    report(turn.error());
  else if (json)
    put_json(json_of(*turn));
  else
    put("\n" + status_line(*turn));
}

// Whether `text` was a command.
bool obey(Conversation& conversation, const std::string& text, bool json) {
  if (!text.starts_with('/')) return false;
  const size_t space = text.find(' ');
  const std::string name = text.substr(0, space);
  if (name == "/reset") {
    conversation.reset();
  } else if (name == "/system") {
    const std::string message = space == std::string::npos ? "" : text.substr(space + 1);
    if (const Status utf8 = check_utf8("the system message", message); !utf8)
      report(utf8.error());
    else
      conversation.set_system(message);
  } else if (name == "/help") {
    if (!json) put(kHelp);
  } else {
    fmt::print(stderr, "weir: no command {}; /help lists them\n", name);
  }
  return true;
}

// Before a model is loaded for nothing.
Status need_chat_template(const std::string& model) {
  WEIR_ASSIGN(const auto path, resolve_model(model));
  WEIR_ASSIGN(const ModelSummary summary, describe_model(path));
  if (!summary.chat_template.empty()) return {};
  return fail(Code::kInvalid,
              fmt::format("{} has no chat template; `weir run` goes on from text", model));
}

Status chat(const ChatArgs& args) {
  WEIR_TRY(check_utf8("the system message", args.system));
  WEIR_TRY(need_chat_template(args.model));
  WEIR_ASSIGN(const OpenedModel opened, open_engine(args.model, args.engine));
  Conversation conversation(*opened.engine, args.generation, args.system);
  LineEditor editor("> ");
  if (output_is_terminal()) put("/help lists the commands; Ctrl-D leaves.\n");
  while (!output_lost()) {
    // On a terminal Ctrl-C is a key while a line is read; from Enter on it interrupts the answer.
    std::optional<InterruptScope> interrupt;
    if (editor.on_terminal()) interrupt.emplace();
    const auto text = editor.read();
    if (!text) break;
    if (!interrupt) interrupt.emplace();
    if (!text->empty() && !obey(conversation, *text, args.json))
      answer(conversation, *text, args.json);
  }
  if (output_is_terminal()) put("\n");
  return {};
}

}  // namespace

void add_chat(CLI::App& command, Job& job) {
  auto args = std::make_shared<ChatArgs>();
  command.add_option("MODEL", args->model, "A model's name, or a GGUF file")->required();
  command.add_option("--system", args->system, "The system message");
  command.add_flag("--json", args->json, "Print a JSON object per answer");
  add_engine_options(command, args->engine, false);
  add_generation_options(command, args->generation);
  command.callback([args, &job] {
    job = [args] {
      const Status status = chat(*args);
      return status ? kSuccess : report(status.error());
    };
  });
}

}  // namespace weir::cli
