#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <memory>

#include "cli/command.h"
#include "cli/console.h"
#include "cli/progress.h"
#include "weir/model_summary.h"
#include "weir/models.h"

namespace weir::cli {
namespace {

struct ModelArgs {
  std::string model;
  bool json = false, whole_template = false;
};

const ModelEntry* find_entry(const std::string& name) {
  const auto& known = known_models();
  const auto found = std::find_if(known.begin(), known.end(),
                                  [&](const ModelEntry& entry) { return entry.name == name; });
  return found == known.end() ? nullptr : &*found;
}

Status pull(const ModelArgs& args) {
  std::filesystem::path path;
  {
    Progress progress("fetching " + args.model);
    WEIR_ASSIGN(
        path, pull_model(
                  args.model, [&](uint64_t done, uint64_t total) { progress.update(done, total); },
                  [](std::string_view message) { warn(message); }));
  }
  if (args.json)
    put_json({{"name", args.model}, {"path", path.string()}});
  else
    put(fmt::format("{}\n", path.string()));
  return {};
}

Status list(const ModelArgs& args) {
  const auto installed = installed_models();
  const auto is_here = [&](const ModelEntry& entry) {
    return std::any_of(installed.begin(), installed.end(),
                       [&](const ModelEntry& other) { return other.name == entry.name; });
  };
  boost::json::array models;
  if (!args.json)
    put(fmt::format("{:<16}{:>10}  {:<10}{:<20}{}\n", "NAME", "SIZE", "HERE", "LICENCE", "WHAT"));
  for (const ModelEntry& m : known_models()) {
    if (args.json)
      models.push_back(boost::json::object{{"name", m.name},
                                           {"bytes", m.bytes},
                                           {"installed", is_here(m)},
                                           {"licence", m.licence},
                                           {"description", m.description},
                                           {"sha256", m.sha256}});
    else
      put(fmt::format("{:<16}{:>10}  {:<10}{:<20}{}\n", m.name, human_bytes(m.bytes),
                      is_here(m) ? "yes" : "no", m.licence, m.description));
  }
  if (args.json) put_json({{"models", std::move(models)}});
  return {};
}

boost::json::object json_of(const ModelSummary& s, const std::string& licence) {
  boost::json::array types;
  for (const auto& t : s.tensor_types)
    types.push_back(
        boost::json::object{{"type", t.type}, {"tensors", t.tensors}, {"bytes", t.bytes}});
  return {{"name", s.name},
          {"architecture", s.architecture},
          {"licence", licence},
          {"gguf_version", s.gguf_version},
          {"parameters", s.parameters},
          {"tensor_bytes", s.tensor_bytes},
          {"layers", s.layers},
          {"d_model", s.d_model},
          {"heads", s.heads},
          {"kv_heads", s.kv_heads},
          {"head_dim", s.head_dim},
          {"ffn", s.ffn},
          {"vocabulary", s.vocabulary},
          {"tokenizer", s.tokenizer},
          {"context_tokens_max", s.context_tokens_max},
          {"sliding_window", s.sliding_window},
          {"sliding_layers", s.sliding_layers},
          {"kv_bytes_per_token", s.kv_bytes_per_token},
          {"tensor_types", std::move(types)},
          {"chat_template", s.chat_template}};
}

std::string first_lines(const std::string& text) {
  constexpr size_t kBytes = 240;
  size_t end = 0;
  for (int line = 0; line < 4 && end < text.size(); ++line)
    end = std::min(text.find('\n', end), text.size() - 1) + 1;
  if (end > kBytes)  // Never in the middle of a character.
    for (end = kBytes; end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80;) --end;
  return text.substr(0, end) + (end < text.size() ? "... (--template shows all)\n" : "\n");
}

std::string window_text(const ModelSummary& s) {
  return s.sliding_layers == 0 ? ""
                               : fmt::format(", of which {} see a window of {} tokens",
                                             s.sliding_layers, s.sliding_window);
}

void print_summary(const ModelSummary& s, const std::string& licence) {
  const auto line = [](const char* name, const std::string& value) {
    if (!value.empty()) put(fmt::format("{:<14}{}\n", name, value));
  };
  line("name", s.name);
  line("architecture", s.architecture);
  line("licence", licence);
  line("parameters", fmt::format("{:.1f} million", static_cast<double>(s.parameters) / 1e6));
  line("layers", fmt::format("{}{}", s.layers, window_text(s)));
  line("width", fmt::format("{} ({} in the feed-forward)", s.d_model, s.ffn));
  line("heads",
       fmt::format("{} of {}, with {} for keys and values", s.heads, s.head_dim, s.kv_heads));
  line("vocabulary", fmt::format("{} tokens, {}", s.vocabulary, s.tokenizer));
  line("context", fmt::format("{} tokens", s.context_tokens_max));
  line("KV cache", fmt::format("{} bytes per token in 16 bits", s.kv_bytes_per_token));
  line("tensors", fmt::format("{} in GGUF {}", human_bytes(s.tensor_bytes), s.gguf_version));
  for (const auto& t : s.tensor_types)
    line("", fmt::format("{:<6}{:>5} tensors {:>10}", t.type, t.tensors, human_bytes(t.bytes)));
  line("template", s.chat_template.empty() ? "none" : first_lines(s.chat_template));
}

Status show(const ModelArgs& args) {
  WEIR_ASSIGN(const auto path, resolve_model(args.model));
  WEIR_ASSIGN(const ModelSummary summary, describe_model(path));
  const ModelEntry* entry = find_entry(args.model);
  const std::string licence = entry ? entry->licence : summary.licence;
  if (args.whole_template)
    put(summary.chat_template);
  else if (args.json)
    put_json(json_of(summary, licence));
  else
    print_summary(summary, licence);
  return {};
}

}  // namespace

void add_model(CLI::App& command, Job& job) {
  command.require_subcommand(1);
  const auto add = [&](const char* name, const char* description, Status (*act)(const ModelArgs&)) {
    auto args = std::make_shared<ModelArgs>();
    CLI::App* sub = command.add_subcommand(name, description);
    sub->add_flag("--json", args->json, "Print one JSON object");
    sub->callback([args, act, &job] {
      job = [args, act] {
        const Status status = act(*args);
        return status ? kSuccess : report(status.error());
      };
    });
    return std::pair(sub, args);
  };
  const auto [pull_command, pull_args] = add("pull", "Fetch a model by name", pull);
  pull_command->add_option("NAME", pull_args->model, "A name of `weir model list`")->required();
  add("list", "The models that can be had by name", list);
  const auto [show_command, show_args] = add("show", "What a model is made of", show);
  show_command->add_option("MODEL", show_args->model, "A model's name, or a GGUF file")->required();
  show_command->add_flag("--template", show_args->whole_template, "Print the chat template");
}

}  // namespace weir::cli
