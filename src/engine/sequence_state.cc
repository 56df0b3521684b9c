#include "engine/sequence_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace weir {

Sequence::State::State(Loop& its_loop, LoadedModel& its_model, Cache cache)
    : loop(its_loop), model(its_model), stream(its_loop.new_id(), std::move(cache)) {}

std::shared_ptr<Sequence::State> Sequence::State::copy(Cache cache) const {
  auto state = std::make_shared<State>(loop, model, std::move(cache));
  state->stream.tokens = stream.tokens;
  state->stream.decodes_from = stream.decodes_from;
  state->logits = logits;
  state->logit_rows = logit_rows;
  return state;
}

Result<std::shared_ptr<Sequence::State>> Sequence::State::fork() const {
  WEIR_ASSIGN(Cache cache, stream.cache.fork());
  auto state = copy(std::move(cache));
  if (stream.keep) state->stream.keep = stream.keep->fork();
  state->stream.prompt_rest = stream.prompt_rest;
  return state;
}

// It is as though the prompt had been computed under the recipe from its first token, where that
// leaves no trace: no point among the tokens that are there, nothing noted of them, none encoded.
Result<std::shared_ptr<Sequence::State>> Sequence::State::fork(const Recipe& recipe) const {
  const Store& mine = stream.cache.store();
  if (stream.keep || mine || mine.retriever)
    return fail(Code::kInvalid,
                "kv: this sequence has a recipe; its forks have the same, and take on no other",
                "kv");
  auto keep = Keeper::make(recipe, model.shape, *model.pages, *model.probabilities);
  const Store store = make_store(recipe, model.shape.page_shape());
  const int32_t length = stream.cache.length();
  const bool seen_from_the_first = keep && length > 0 && keep->tail() == kWholePrompt;
  if (seen_from_the_first || (store && store.settled(length) > 0))
    return fail(Code::kInvalid,
                fmt::format("kv: {} has a say before the {} tokens that this sequence has; create "
                            "a sequence with it",
                            recipe.text(), length),
                "kv");
  WEIR_ASSIGN(Cache cache, stream.cache.fork(store));
  auto state = copy(std::move(cache));
  // One token alone would be no prompt.
  if (length > 0)
    state->stream.prompt_rest = static_cast<size_t>(std::max(2, keep ? keep->tail() : 0));
  state->stream.keep = std::move(keep);
  return state;
}

Status JointAppend::run(Loop& loop) {
  if (appends_.empty()) return {};
  auto done = done_->get_future();
  loop.post([this] {
    if (auto status = start(); !status) finish(std::move(status));
  });
  return done.get();
}

// Several tokens at once are a prompt; one is a step of decoding.
int32_t JointAppend::prompt_after(const Append& a) {
  const Stream& stream = a.sequence->state().stream;
  if (a.tokens.size() == 1) return stream.decodes_from;
  return static_cast<int32_t>(stream.tokens.size() + a.tokens.size());
}

// All that can be wrong, before anything changes.
Status JointAppend::check() const {
  uint64_t bytes = 0;
  for (const Append& a : appends_) {
    const LoadedModel& model = a.sequence->state().model;
    const Stream& stream = a.sequence->state().stream;
    const uint64_t length = stream.tokens.size() + a.tokens.size();
    if (a.tokens.empty()) return fail(Code::kInvalid, "tokens must not be empty", "tokens");
    for (Token t : a.tokens)
      if (t < 0 || static_cast<uint32_t>(t) >= model.info.vocabulary)
        return fail(Code::kInvalid,
                    fmt::format("token {} is not one of 0 to {}", t, model.info.vocabulary - 1),
                    "tokens");
    if (length > model.info.context_tokens_max)
      return fail(Code::kInvalid,
                  fmt::format("{} tokens are more than the context of {}", length,
                              model.info.context_tokens_max),
                  "tokens");
    if (a.tokens.size() < stream.prompt_rest)
      return fail(Code::kInvalid,
                  fmt::format("{} tokens are fewer than the {} of a prompt's rest that the recipe "
                              "of this fork looks at",
                              a.tokens.size(), stream.prompt_rest),
                  "tokens");
    for (const Append& b : appends_)
      if (&a != &b && a.sequence == b.sequence)
        return fail(Code::kInvalid, "a sequence can be appended to once in a call", "sequence");
    bytes += stream.cache.promise_bytes(stream.room(length, prompt_after(a)));
  }
  PagePool& pages = *appends_[0].sequence->state().model.pages;
  if (bytes > pages.budget() - pages.promised())
    return fail(Code::kUnavailable,
                fmt::format("the KV cache's budget of {} bytes has {} left and {} are needed",
                            pages.budget(), pages.budget() - pages.promised(), bytes));
  return {};
}

Status JointAppend::start() {
  WEIR_TRY(check());
  pending_ = appends_.size();
  for (const Append& a : appends_) {
    Sequence::State& state = a.sequence->state();
    Stream& stream = state.stream;
    const int32_t prompt = prompt_after(a);
    const Status promised =
        stream.cache.promise(stream.room(stream.tokens.size() + a.tokens.size(), prompt));
    WEIR_CHECK(promised, "{}", promised.error().message);
    if (stream.keep) stream.keep->expect_prompt(prompt);
    stream.prompt_rest = 0;
    stream.decodes_from = prompt;
    state.logit_rows = rows_ == LogitRows::kAll ? a.tokens.size() : 1;
    state.logits.resize(state.logit_rows * state.model.info.vocabulary);
    stream.tokens.insert(stream.tokens.end(), a.tokens.begin(), a.tokens.end());
    stream.driver = this;
    stream.wanted = rows_ == LogitRows::kAll ? Logits::kAll : Logits::kLast;
    stream.admitted = true;
    state.loop.join(stream);
  }
  return {};
}

void JointAppend::on_logits(Stream& stream, int32_t position, std::span<float> logits) {
  const auto append = std::ranges::find_if(
      appends_, [&](const Append& a) { return &a.sequence->state().stream == &stream; });
  Sequence::State& state = append->sequence->state();
  const size_t row = state.logit_rows - static_cast<size_t>(stream.known() - position);
  std::ranges::copy(logits, state.logits.begin() + static_cast<ptrdiff_t>(row * logits.size()));
  if (position + 1 < stream.known()) return;
  stream.done = true;
  if (--pending_ == 0) finish({});
}

void JointAppend::cancel() {
  for (const Append& a : appends_) a.sequence->state().stream.done = true;
  finish(fail(Code::kCancelled, "the engine is ending"));
}

// The caller may destroy this as soon as it is told.
void JointAppend::finish(Status status) {
  const auto done = done_;
  done->set_value(std::move(status));
}

}  // namespace weir
