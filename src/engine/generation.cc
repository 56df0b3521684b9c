#include "engine/generation.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

uint64_t random_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

}  // namespace

uint32_t Generation::length_max(const Request& request, uint32_t context_tokens_max) {
  const auto prompt = static_cast<uint32_t>(request.prompt.size());
  if (request.prefill_only) return prompt;
  if (request.max_tokens == 0 || request.max_tokens > context_tokens_max - prompt)
    return context_tokens_max;
  return prompt + request.max_tokens;
}

Generation::Keeping Generation::keeping_of(const Request& request,
                                           const GenerationContext& context) {
  const auto recipe = parse_recipe(request.kv, context.recipe);
  WEIR_CHECK(recipe, "{}", recipe.error().message);
  const Room plain = Room::plain(length_max(request, context.context_tokens_max));
  Keeping out{Keeper::make(*recipe, context.shape, context.pages, context.probabilities),
              make_store(*recipe, context.shape.page_shape()), plain, plain};
  if (!out.keeper) return out;
  const auto prompt = static_cast<int32_t>(request.prompt.size());
  out.keeper->expect_prompt(prompt);
  out.first = out.other = out.keeper->room(0, 0, plain.tokens, prompt);
  if (out.keeper->next_point(prompt - 1) != prompt) return out;
  const LayerRows left = out.keeper->kept_max(prompt) & LayerRows(request.prompt.size());
  out.other = out.keeper->room(prompt, left, plain.tokens, prompt);
  return out;
}

uint64_t Generation::bytes_of(const Room& room, const Store& store,
                              const GenerationContext& context) {
  return context.shape.peak_bytes(room, context.pages.page_bytes(), store);
}

uint64_t Generation::peak_bytes(const Request& request, const GenerationContext& context) {
  return peak_bytes(keeping_of(request, context), request.choices, context);
}

uint64_t Generation::peak_bytes(const Keeping& keeping, uint32_t choices,
                                const GenerationContext& context) {
  return bytes_of(keeping.first, keeping.store, context) +
         (choices - 1) * bytes_of(keeping.other, keeping.store, context);
}

Generation::Generation(RequestId id, Request request, EventHandler handler,
                       GenerationContext& context)
    : id_(id),
      request_(std::move(request)),
      handler_(std::move(handler)),
      context_(context),
      seed_(request_.sampling.seed ? *request_.sampling.seed : random_seed()) {}

void Generation::start() {
  running_.resize(request_.choices);
  for (uint32_t i = 0; i < request_.choices; ++i)
    running_[i].choice = std::make_unique<Choice>(i, request_, context_.tokenizer, seed_,
                                                  context_.context_tokens_max);
  keeping_ = keeping_of(request_, context_);
  Cache cache(context_.shape, context_.pages, context_.root, keeping_.store);
  auto stream = std::make_unique<Stream>(context_.loop.new_id(), std::move(cache));
  stream->tokens = request_.prompt;
  stream->driver = this;
  stream->wanted = request_.prompt_logprobs >= 0 ? Logits::kAll : Logits::kLast;
  stream->peak_bytes = peak_bytes(keeping_, request_.choices, context_);
  stream->keep = std::move(keeping_.keeper);
  stream->sequences = request_.choices;
  stream->prompt = stream->decodes_from = stream->known();
  context_.loop.join(*stream);
  running_[0].stream = std::move(stream);
}

// The scheduler has seen that all of it fits. What the forks will need is held until they are made.
void Generation::admit() {
  Stream& stream = *running_[0].stream;
  const Status mine = stream.cache.promise(keeping_.first);
  promised_for_forks_ = bytes_of(keeping_.other, keeping_.store, context_) * (request_.choices - 1);
  const Status forks = context_.pages.promise(promised_for_forks_);
  WEIR_CHECK(mine && forks, "peak {} promised {} of {}", stream.peak_bytes,
             context_.pages.promised(), context_.pages.budget());
  admitted_ = true;
  context_.admitted(*this);
}

void Generation::on_logits(Stream& stream, int32_t position, std::span<float> logits) {
  if (over_) return;
  if (!prompt_done_ && request_.prompt_logprobs >= 0) on_prompt_row(position, logits);
  if (over_ || position + 1 < stream.known()) return;
  if (!prompt_done_) return begin_choices(logits);
  const auto running =
      std::ranges::find(running_, &stream, [](const Running& r) { return r.stream.get(); });
  take(*running, logits);
}

// The logits at a position say how likely the token after it was.
void Generation::on_prompt_row(int32_t position, std::span<const float> logits) {
  if (prompt_.logprobs.empty()) prompt_.logprobs.push_back({request_.prompt[0], 0, {}});
  const size_t next = static_cast<size_t>(position) + 1;
  if (next >= request_.prompt.size()) return;
  auto logprob = logprob_of(logits, request_.prompt[next], request_.prompt_logprobs);
  if (!logprob) return finish(fail(logprob.error()));
  prompt_.logprobs.push_back(*std::move(logprob));
}

void Generation::begin_choices(std::span<float> logits) {
  prompt_done_ = true;
  handler_(prompt_);
  if (request_.prefill_only) {
    for (uint32_t i = 0; i < request_.choices; ++i)
      handler_(ChoiceEvent{i, "", FinishReason::kLength, ""});
    return finish({});
  }
  context_.pages.unpromise(std::exchange(promised_for_forks_, 0));
  Stream& first = *running_[0].stream;
  first.wanted = Logits::kLast;
  first.sequences = 1;
  for (uint32_t i = 1; i < request_.choices; ++i) {
    auto copy = first.cache.fork();
    WEIR_CHECK(copy, "choice {}: {}", i, copy.error().message);
    auto stream = std::make_unique<Stream>(context_.loop.new_id(), *std::move(copy));
    stream->tokens = first.tokens;
    stream->decodes_from = first.decodes_from;
    if (first.keep) stream->keep = first.keep->fork();
    stream->driver = this;
    stream->admitted = true;
    stream->done = true;  // Joins when it has a token to compute.
    running_[i].stream = std::move(stream);
  }
  const std::vector<float> same(logits.begin(), logits.end());
  for (Running& r : running_) {
    std::ranges::copy(same, logits.begin());
    if (!over_) take(r, logits);
  }
}

void Generation::take(Running& running, std::span<float> logits) {
  Stream& stream = *running.stream;
  const uint32_t before = running.choice->generated();
  auto outcome = running.choice->take(logits, static_cast<uint32_t>(stream.known()));
  if (!outcome) return finish(fail(outcome.error()));
  context_.generated(running.choice->generated() - before);
  if (outcome->token) handler_(*outcome->token);
  if (!outcome->end) {
    stream.tokens.push_back(outcome->next);
    if (stream.done) context_.loop.join(stream);
    return;
  }
  context_.choice_ended(*this);
  handler_(*outcome->end);
  stream.done = true;
  // Its memory goes back when the step is over, not when the last choice ends.
  context_.loop.leave_when_done([kept = std::shared_ptr<Stream>(std::move(running.stream))] {});
  if (std::ranges::all_of(running_, [](const Running& r) { return r.choice->ended(); })) finish({});
}

uint32_t Generation::generated() const {
  uint32_t n = 0;
  for (const Running& r : running_) n += r.choice->generated();
  return n;
}

void Generation::cancel() {
  finish(fail(Code::kCancelled, "the request was cancelled"));
}

void Generation::finish(Status status) {
  if (over_) return;
  over_ = true;
  context_.pages.unpromise(std::exchange(promised_for_forks_, 0));
  for (Running& r : running_)
    if (r.stream) r.stream->done = true;
  EndEvent end;
  end.usage.prompt_tokens = static_cast<uint32_t>(request_.prompt.size());
  end.usage.completion_tokens = generated();
  end.status = std::move(status);
  context_.over(*this);
  handler_(end);
}

}  // namespace weir
