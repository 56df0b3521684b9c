// The engine's public face: include/weir/engine.h.
#include "weir/engine.h"

#include <boost/json.hpp>
#include <utility>

#include "engine/generation_queue.h"
#include "engine/load.h"
#include "engine/loop.h"
#include "engine/request_check.h"
#include "engine/sequence_state.h"
#include "kernels/limits.h"
#include "weir/models.h"

namespace weir {

class Engine::Impl {
 public:
  explicit Impl(std::unique_ptr<LoadedModel> loaded)
      : model(std::move(loaded)),
        scheduler(make_fcfs()),
        loop({model->model.get(), model->pages.get(), scheduler.get(), model->info.layers,
              model->info.d_model, model->info.vocabulary,
              static_cast<int32_t>(model->options.step_tokens_max), model->options.sequences_max}),
        queue(loop,
              {loop,
               *model->pages,
               model->shape,
               model->root,
               model->text.tokenizer(),
               model->recipe,
               *model->probabilities,
               model->options.context_tokens_max,
               {},
               {}},
              model->options) {}
  // Sequences whose destructors came before ours have posted their end: it runs now.
  ~Impl() { loop.end(); }

  std::unique_ptr<LoadedModel> model;
  std::unique_ptr<Scheduler> scheduler;
  Loop loop;
  GenerationQueue queue;
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::open(std::string_view model, const EngineOptions& options,
                                             const LoadProgress& progress) {
  WEIR_ASSIGN(const std::filesystem::path path, resolve_model(model));
  WEIR_ASSIGN(auto loaded, load(path, options, progress));
  return std::unique_ptr<Engine>(new Engine(std::make_unique<Impl>(std::move(loaded))));
}

const ModelInfo& Engine::info() const {
  return impl_->model->info;
}
const EngineOptions& Engine::options() const {
  return impl_->model->options;
}

Result<std::vector<Token>> Engine::tokenize(std::string_view text, bool add_special,
                                            bool parse_special) const {
  return impl_->model->text.tokenizer().encode(text, {add_special, parse_special});
}

Result<std::string> Engine::detokenize(std::span<const Token> tokens, bool skip_special) const {
  for (Token t : tokens) WEIR_TRY(token_bytes(t));
  return impl_->model->text.tokenizer().decode(tokens, {.skip_special = skip_special});
}

Result<std::string> Engine::token_bytes(Token token) const {
  if (token < 0 || static_cast<uint32_t>(token) >= info().vocabulary)
    return fail(Code::kInvalid,
                "token " + std::to_string(token) + " is not one of 0 to " +
                    std::to_string(info().vocabulary - 1),
                "tokens");
  return impl_->model->text.tokenizer().piece(token, true);
}

Result<std::string> Engine::render_chat(const ChatInput& input) const {
  return impl_->model->text.render(input);
}

Result<std::string> Engine::render_chat(std::span<const ChatMessage> messages) const {
  boost::json::array list;
  for (const ChatMessage& m : messages)
    list.push_back(boost::json::object{{"role", m.role}, {"content", m.content}});
  return render_chat(ChatInput{boost::json::serialize(list), "", "", true});
}

Result<std::vector<Token>> Engine::chat_tokens(const ChatInput& input) const {
  return impl_->model->text.chat_tokens(input);
}

std::string_view Engine::chat_template() const {
  return impl_->model->text.template_source();
}

Result<RequestId> Engine::submit(Request request, EventHandler handler) {
  WEIR_TRY(check(request, info(), impl_->queue.context()));
  return impl_->queue.submit(std::move(request), std::move(handler));
}

void Engine::cancel(RequestId id) {
  impl_->queue.cancel(id);
}
bool Engine::drain(std::chrono::milliseconds deadline) {
  return impl_->queue.drain(deadline);
}

Result<Sequence> Engine::create_sequence(std::string_view kv) {
  std::shared_ptr<Sequence::State> state;
  LoadedModel& m = *impl_->model;
  WEIR_ASSIGN(const Recipe recipe, parse_recipe(kv, m.recipe));
  impl_->loop.call([&] {
    Cache cache(m.shape, *m.pages, m.root, make_store(recipe, m.shape.page_shape()));
    state = std::make_shared<Sequence::State>(impl_->loop, m, std::move(cache));
    state->stream.keep = Keeper::make(recipe, m.shape, *m.pages, *m.probabilities);
  });
  return Sequence(std::move(state));
}

Status Engine::append(std::span<const Append> appends, LogitRows rows) {
  return JointAppend(appends, rows).run(impl_->loop);
}

MachineLimits Engine::measure_limits() {
  MachineLimits limits;
  impl_->loop.call([&] { limits = weir::measure_limits(*impl_->model->pool); });
  return limits;
}
void Engine::profile(bool on) {
  impl_->loop.call([&] { impl_->model->model->profile().start(on); });
}
std::vector<KernelUse> Engine::profiled() {
  std::vector<KernelUse> uses;
  impl_->loop.call([&] { uses = impl_->model->model->profile().uses(); });
  return uses;
}

EngineStats Engine::stats() const {
  EngineStats stats;
  impl_->queue.report(stats);
  stats.sequences = impl_->loop.running();
  stats.kv_bytes_used = impl_->model->pages->used();
  stats.kv_bytes_max = impl_->model->pages->budget();
  stats.steps = impl_->loop.steps();
  stats.last_step = impl_->loop.last_step();
  return stats;
}

uint64_t Engine::take_kv_bytes_peak() {
  return impl_->model->pages->take_most_used();
}

}  // namespace weir
