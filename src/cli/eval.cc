#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>

#include "cli/args.h"
#include "cli/command.h"
#include "cli/console.h"
#include "cli/open.h"
#include "cli/utf8.h"
#include "eval/evaluate.h"

namespace weir::cli {
namespace {

struct EvalArgs {
  std::string model, text, json, html;
  EngineOptions engine;
  eval::Plan plan;
};

Result<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in) return fail(Code::kIo, "--text: cannot read " + path);
  WEIR_TRY(check_utf8("--text", text));
  if (text.empty()) return fail(Code::kInvalid, "--text: " + path + " is empty");
  return text;
}

Status write(const char* option, const std::string& path, const std::string& content) {
  if (path.empty()) return {};
  std::ofstream out(path, std::ios::binary);
  out << content;
  out.close();
  if (!out) return fail(Code::kIo, fmt::format("{}: cannot write {}", option, path));
  return {};
}

// A run takes minutes: files that cannot be written are found before it.
Status check_files(const EvalArgs& args) {
  WEIR_TRY(write("--json", args.json, ""));
  return write("--html", args.html, "");
}

Status evaluate(EvalArgs args) {
  if (!args.text.empty()) {
    WEIR_ASSIGN(args.plan.text, read_text(args.text));
    args.plan.text_name = args.text.substr(args.text.rfind('/') + 1);
  }
  WEIR_TRY(check_files(args));
  WEIR_ASSIGN(const OpenedModel opened, open_engine(args.model, args.engine));
  const auto note = [](const std::string& what) { fmt::print(stderr, "{}\n", what); };
  WEIR_ASSIGN(
      const eval::Report report,
      eval::evaluate(*opened.engine, args.plan, errors_are_terminal() ? note : eval::Note()));
  put(eval::table_of(report));
  WEIR_TRY(write("--json", args.json, eval::json_of(report)));
  return write("--html", args.html, eval::html_of(report));
}

}  // namespace

void add_eval(CLI::App& command, Job& job) {
  auto args = std::make_shared<EvalArgs>();
  eval::Plan& plan = args->plan;
  command.add_option("MODEL", args->model, "A model's name, or a GGUF file")->required();
  command
      .add_option("--recipe", plan.recipes,
                  "To be judged (may be repeated); without one, every method")
      ->allow_extra_args(false)
      ->take_all();
  command.add_option("--budgets", plan.budgets, "Of every method that has one; a list")
      ->delimiter(',')
      ->check(CLI::PositiveNumber);
  command.add_option("--context", plan.contexts, "Tokens in the cache when it is judged; a list")
      ->delimiter(',')
      ->check(CLI::Range(1u, 1u << 24));
  command.add_option("--text", args->text,
                     "A file to take samples of; without it, stories made up");
  command.add_option("--samples", plan.samples, "Stretches of text, and problems of each task")
      ->check(CLI::Range(1u, 10000u));
  command.add_option("--seed", plan.seed, "Of samples, tasks and intervals")->check(whole_number());
  command.add_option("--tasks", plan.tasks, "Only these tasks, a list; none: no task")
      ->delimiter(',');
  command.add_flag("--stream", plan.stream,
                   "Also feed each stretch of text in pieces, and judge by position");
  command.add_flag("--question-seen", plan.question_seen,
                   "Also ask with the question before the point of compression");
  command.add_option("--json", args->json, "Also write the figures to this file");
  command.add_option("--html", args->html, "Also write a page with plots to this file");
  add_engine_options(command, args->engine, false);
  command.remove_option(command.get_option("--kv"));  // Recipes are what is judged.
  command.callback([args, &job] {
    job = [args] {
      const Status status = evaluate(*args);
      return status ? kSuccess : report(status.error());
    };
  });
}

}  // namespace weir::cli
