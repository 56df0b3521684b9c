// Sequences by hand: include/weir/engine.h.
#include <random>
#include <utility>

#include "base/float_mode.h"
#include "engine/sampler.h"
#include "engine/sequence_state.h"

namespace weir {

Sequence::Sequence(std::shared_ptr<State> state) : state_(std::move(state)) {}
Sequence::Sequence(Sequence&&) noexcept = default;

Sequence& Sequence::operator=(Sequence&& other) noexcept {
  Sequence old(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

// Pages belong to the loop's thread, so that is where the state ends.
Sequence::~Sequence() {
  if (!state_) return;
  Loop& loop = state_->loop;
  loop.post([state = std::move(state_)]() mutable { state.reset(); });
}

Result<std::span<const float>> Sequence::append(std::span<const Token> tokens, LogitRows rows) {
  const Append one{this, tokens};
  WEIR_TRY(JointAppend({&one, 1}, rows).run(state_->loop));
  return std::span<const float>(state_->logits);
}

std::span<const float> Sequence::logits() const {
  return state_->logits;
}

Result<Token> Sequence::sample(const SamplingOptions& options) {
  const FloatMode mode;
  const uint32_t vocabulary = state_->model.info.vocabulary;
  WEIR_TRY(check(options, vocabulary));
  if (state_->logit_rows == 0)
    return fail(Code::kInvalid, "a sequence has logits once tokens were appended", "sequence");
  const uint64_t seed = options.seed ? *options.seed : std::random_device()();
  Sampler sampler(options, seed, 0);
  for (Token t : tokens()) sampler.see_generated(t);
  std::vector<float> logits(state_->logits.end() - static_cast<ptrdiff_t>(vocabulary),
                            state_->logits.end());
  return sampler.sample(logits, {}, tokens().size());
}

Result<Sequence> Sequence::fork() const {
  Result<std::shared_ptr<State>> copy;
  state_->loop.call([&] { copy = state_->fork(); });
  if (!copy) return fail(copy.error());
  return Sequence(*std::move(copy));
}

Result<Sequence> Sequence::fork(std::string_view kv) const {
  WEIR_ASSIGN(const Recipe recipe, parse_recipe(kv, state_->model.recipe));
  Result<std::shared_ptr<State>> copy;
  state_->loop.call([&] { copy = state_->fork(recipe); });
  if (!copy) return fail(copy.error());
  return Sequence(*std::move(copy));
}

std::span<const Token> Sequence::tokens() const {
  return state_->stream.tokens;
}

uint64_t Sequence::kv_bytes() const {
  uint64_t bytes = 0;
  state_->loop.call([&] { bytes = state_->stream.cache.bytes(); });
  return bytes;
}

PageReads Sequence::pages_read() const {
  PageReads reads;
  state_->loop.call([&] {
    const PageCounts& counts = state_->stream.cache.reads();
    reads = {counts.read, counts.there};
  });
  return reads;
}

std::vector<int32_t> Sequence::kept(uint32_t layer, uint32_t kv_head) const {
  std::vector<int32_t> positions;
  state_->loop.call([&] {
    const Cache& cache = state_->stream.cache;
    const LayerTable& table = cache.layer(layer);
    for (int32_t slot = table.first_slot(); slot < cache.rows(layer, kv_head); ++slot)
      positions.push_back(table.position(kv_head, slot));
  });
  return positions;
}

KeptRows Sequence::kept_rows(uint32_t layer, uint32_t kv_head) const {
  KeptRows out;
  state_->loop.call([&] {
    const Cache& cache = state_->stream.cache;
    const LayerTable& table = cache.layer(layer);
    const int32_t first = table.first_slot(), end = cache.rows(layer, kv_head);
    for (int32_t slot = first; slot < end; ++slot) {
      out.positions.push_back(table.position(kv_head, slot));
      out.weights.push_back(table.weight(kv_head, slot));
    }
    out.k.resize(out.positions.size() * cache.shape().head_dim);
    out.v.resize(out.k.size());
    table.read(kv_head, first, end - first, out.k.data(), out.v.data());
  });
  return out;
}

void Sequence::observe(uint32_t what, Observer observer) {
  state_->loop.call([&] {
    state_->stream.watch = observer ? Watch{what, std::move(observer)} : Watch{};
  });
}

}  // namespace weir
