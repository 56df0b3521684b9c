#include <fmt/format.h>

#include "bindings.h"

namespace weir::python {
namespace {

LoadProgress progress_of(const std::optional<nb::callable>& callback) {
  if (!callback) return {};
  return [callback](uint64_t done, uint64_t total) {
    nb::gil_scoped_acquire acquire;
    try {
      (*callback)(done, total);
    } catch (nb::python_error& error) {
      error.discard_as_unraisable("weir progress");
    }
  };
}

void init(EnginePointer* self, const std::string& model, int threads, uint32_t max_model_len,
          uint32_t max_num_seqs, uint32_t max_num_batched_tokens, uint64_t kv_cache_memory_bytes,
          const std::string& kv_cache_dtype, const std::string& kv, const std::string& arithmetic,
          const std::optional<nb::callable>& progress) {
  EngineOptions options;
  options.threads = threads;
  options.context_tokens_max = max_model_len;
  options.sequences_max = max_num_seqs;
  options.step_tokens_max = max_num_batched_tokens;
  options.kv_bytes_max = kv_cache_memory_bytes;
  options.kv_type = kv_cache_dtype;
  options.kv = kv;
  options.arithmetic = arithmetic;
  const LoadProgress report = progress_of(progress);
  new (self)
      EnginePointer(share(take(released([&] { return Engine::open(model, options, report); }))));
}

const Engine& open(const EnginePointer& self) {
  if (!self) raise({Code::kInvalid, "the engine is closed", ""});
  return *self;
}

ChatInput chat_input(nb::handle messages, nb::handle tools, bool add_generation_prompt,
                     const nb::kwargs& extra) {
  ChatInput input;
  input.messages_json = dump_json(messages);
  if (!tools.is_none()) input.tools_json = dump_json(tools);
  if (extra.size() > 0) input.extra_json = dump_json(extra);
  input.add_generation_prompt = add_generation_prompt;
  return input;
}

void bind_info(nb::module_& module) {
  using I = ModelInfo;
  nb::class_<I>(module, "ModelInfo", "What a model is. Sizes in elements unless named bytes.")
      .def_ro("name", &I::name)
      .def_ro("architecture", &I::architecture)
      .def_ro("digest", &I::digest)
      .def_ro("layers", &I::layers)
      .def_ro("d_model", &I::d_model)
      .def_ro("heads", &I::heads)
      .def_ro("kv_heads", &I::kv_heads)
      .def_ro("head_dim", &I::head_dim)
      .def_ro("ffn", &I::ffn)
      .def_ro("vocabulary", &I::vocabulary)
      .def_ro("context_tokens_max", &I::context_tokens_max)
      .def_ro("parameters", &I::parameters)
      .def_ro("weight_bytes", &I::weight_bytes)
      .def_ro("kv_bytes_per_token", &I::kv_bytes_per_token)
      .def_ro("kv_type", &I::kv_type)
      .def_ro("arithmetic", &I::arithmetic)
      .def_ro("isa", &I::isa)
      .def_ro("bos", &I::bos, "-1: none")
      .def_ro("eos", &I::eos, "-1: none")
      .def_ro("end_tokens", &I::end_tokens, "Each of these ends an answer.")
      .def_ro("has_chat_template", &I::has_chat_template)
      .def("__repr__", [](const I& i) {
        return fmt::format("ModelInfo(name='{}', architecture='{}')", i.name, i.architecture);
      });
}

void bind_stats(nb::module_& module) {
  using S = EngineStats;
  nb::class_<S>(module, "EngineStats", "What an engine holds and has done since it began.")
      .def_ro("requests_running", &S::requests_running)
      .def_ro("requests_waiting", &S::requests_waiting)
      .def_ro("sequences", &S::sequences)
      .def_ro("kv_bytes_used", &S::kv_bytes_used)
      .def_ro("kv_bytes_max", &S::kv_bytes_max)
      .def_ro("prompt_tokens", &S::prompt_tokens)
      .def_ro("generated_tokens", &S::generated_tokens)
      .def_ro("steps", &S::steps);
}

void bind_text(nb::class_<EnginePointer>& engine) {
  engine
      .def(
          "tokenize",
          [](const EnginePointer& self, const nb::str& text, bool special, bool parse) {
            const Engine& e = open(self);
            const std::string bytes = utf8(text);
            return take(released([&] { return e.tokenize(bytes, special, parse); }));
          },
          nb::arg("text"), nb::kw_only(), nb::arg("add_special") = true,
          nb::arg("parse_special") = false,
          "The tokens of a text. add_special adds what the model puts around it (BOS); "
          "parse_special reads control tokens written out in it: never for text of users.")
      .def(
          "detokenize",
          [](const EnginePointer& self, const std::vector<Token>& tokens, bool skip) {
            return take(open(self).detokenize(tokens, skip));
          },
          nb::arg("tokens"), nb::kw_only(), nb::arg("skip_special") = true,
          "The text of tokens; what is not UTF-8 becomes U+FFFD.")
      .def(
          "token_bytes",
          [](const EnginePointer& self, Token token) {
            const std::string bytes = take(open(self).token_bytes(token));
            return nb::bytes(bytes.data(), bytes.size());
          },
          nb::arg("token"), "The bytes of one token, not necessarily UTF-8.")
      .def(
          "render_chat",
          [](const EnginePointer& self, nb::list messages, nb::object tools, bool prompt,
             const nb::kwargs& extra) {
            return take(open(self).render_chat(chat_input(messages, tools, prompt, extra)));
          },
          nb::arg("messages"), nb::arg("tools") = nb::none(),
          nb::arg("add_generation_prompt") = true, nb::arg("extra"),
          "The prompt of a conversation by the model's template. Messages are OpenAI's: dicts with "
          "role and content. Further keywords are variables of the template.")
      .def(
          "chat_tokens",
          [](const EnginePointer& self, nb::list messages, nb::object tools, bool prompt,
             const nb::kwargs& extra) {
            return take(open(self).chat_tokens(chat_input(messages, tools, prompt, extra)));
          },
          nb::arg("messages"), nb::arg("tools") = nb::none(),
          nb::arg("add_generation_prompt") = true, nb::arg("extra"), "The tokens of that prompt.")
      .def_prop_ro(
          "chat_template",
          [](const EnginePointer& self) { return std::string(open(self).chat_template()); },
          "Its source; empty if there is none.");
}

}  // namespace

nb::class_<EnginePointer> bind_engine(nb::module_& module) {
  bind_info(module);
  bind_stats(module);
  nb::class_<EnginePointer> engine(
      module, "Engine",
      "A model, its cache and the loop that serves sequences from it. Opens a model by name "
      "(weir.models) or GGUF file. Any thread may call it; the GIL is released while it computes.");
  const EngineOptions o;
  engine
      .def("__init__", init, nb::arg("model"), nb::kw_only(), nb::arg("threads") = o.threads,
           nb::arg("max_model_len") = o.context_tokens_max,
           nb::arg("max_num_seqs") = o.sequences_max,
           nb::arg("max_num_batched_tokens") = o.step_tokens_max,
           nb::arg("kv_cache_memory_bytes") = o.kv_bytes_max, nb::arg("kv_cache_dtype") = o.kv_type,
           nb::arg("kv") = o.kv, nb::arg("arithmetic") = o.arithmetic,
           nb::arg("progress") = nb::none(),
           "Zeros mean: choose for me. kv is a recipe, 'keep=snapkv(budget=0.2);store=int8' say "
           "(kv_methods()). "
           "progress(done, total) is called while loading.")
      .def_prop_ro("info", [](const EnginePointer& self) { return open(self).info(); })
      .def_prop_ro("stats", [](const EnginePointer& self) { return open(self).stats(); })
      .def(
          "create_sequence",
          [](const EnginePointer& self, const std::string& kv) {
            open(self);
            return create_sequence(self, kv);
          },
          nb::arg("kv") = "",
          "An empty sequence. kv is a recipe; without one, the engine's. Appending several tokens "
          "at once is a prompt to its method.")
      .def(
          "append",
          [](const EnginePointer& self,
             const std::vector<std::pair<PySequence*, std::vector<Token>>>& appends, bool all) {
            open(self);
            append_jointly(self, appends, all);
          },
          nb::arg("appends"), nb::kw_only(), nb::arg("all_logits") = false,
          "Appends to several sequences in shared steps: pairs of Sequence and tokens. All or "
          "none; afterwards each has its logits.")
      .def(
          "close", [](EnginePointer& self) { self.reset(); },
          "Gives up the engine; it ends with the last of its sequences and generations.")
      .def("__enter__", [](nb::handle self) { return nb::borrow(self); })
      .def("__exit__", [](EnginePointer& self, const nb::args&) { self.reset(); });
  bind_text(engine);
  return engine;
}

}  // namespace weir::python
