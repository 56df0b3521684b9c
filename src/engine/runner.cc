#include "engine/runner.h"

#include <algorithm>

#include "base/check.h"

namespace weir {
namespace {

// Logits of a whole prompt would be gigabytes: they are made and handed on by so many rows.
constexpr size_t kLogitRows = 32;

// Work of one sequence follows on what it did before.
bool side_by_side(const Work& a, const Work& b) {
  return a.layer_begin == b.layer_begin && a.layer_end == b.layer_end && a.sequence != b.sequence;
}

}  // namespace

void Runner::run(const StepPlan& plan, std::span<Stream* const> streams) {
  const std::span<const Work> work(plan.work);
  for (size_t begin = 0, end; begin < work.size(); begin = end) {
    for (end = begin + 1; end < work.size() && side_by_side(work[end - 1], work[end]);) ++end;
    model_.profile().time(Profile::kStep, {}, [&] {
      run_group(work.subspan(begin, end - begin), streams.subspan(begin, end - begin));
    });
  }
}

void Runner::run_group(std::span<const Work> work, std::span<Stream* const> streams) {
  gather(work, streams);
  const Rows rows{spans_, tokens_.size(), x_.data()};
  model_.begin(rows);
  if (work[0].layer_begin == 0) model_.embed(tokens_, rows);
  for (uint32_t l = work[0].layer_begin; l < work[0].layer_end; ++l) model_.layer(l, rows);
  leave(work, streams);
  if (work[0].layer_end == streams[0]->cache.shape().layers) give_logits(work, streams, rows);
}

// Who asked to watch a sequence, and its keep method: both see what the step computes.
const Watch* Runner::watch_of(Stream& s) {
  if (!s.keep || !s.keep->looks()) return s.watch.what ? &s.watch : nullptr;
  const auto watch = [&s](const Observation& o) {
    if (o.what == Observable::kQuery)
      s.keep->observe(s.cache, {static_cast<uint32_t>(o.layer), o.position,
                                static_cast<int32_t>(o.rows), o.values.data()});
    if (s.watch.what & static_cast<uint32_t>(o.what)) s.watch.observer(o);
  };
  watches_.push_back({s.watch.what | static_cast<uint32_t>(Observable::kQuery), watch});
  return &watches_.back();
}

// Rows side by side: fresh ones will be embedded, the others go on from where they stopped.
void Runner::gather(std::span<const Work> work, std::span<Stream* const> streams) {
  spans_.clear();
  tokens_.clear();
  watches_.clear();
  for (size_t i = 0; i < work.size(); ++i) {
    Stream& s = *streams[i];
    const Work& w = work[i];
    WEIR_CHECK(w.rows > 0 && w.position + w.rows <= s.known(), "rows {} at {} of {}", w.rows,
               w.position, s.known());
    s.cache.extend(w.layer_begin, w.layer_end, w.position + w.rows);
    spans_.push_back({&s.cache, w.position, static_cast<uint32_t>(tokens_.size()),
                      static_cast<uint32_t>(w.rows), watch_of(s), s.retrieves(w.position)});
    tokens_.insert(tokens_.end(), s.tokens.begin() + w.position,
                   s.tokens.begin() + w.position + w.rows);
  }
  if (x_.size() < tokens_.size() * d_model_) x_.resize(tokens_.size() * d_model_);
  for (size_t i = 0; i < work.size(); ++i)
    if (work[i].layer_begin > 0)
      std::copy_n(streams[i]->hidden_row(work[i].position, work[i].position + work[i].rows),
                  spans_[i].rows * size_t{d_model_}, &x_[spans_[i].first * size_t{d_model_}]);
}

// Rows that stop between layers keep their residual stream.
void Runner::leave(std::span<const Work> work, std::span<Stream* const> streams) {
  for (size_t i = 0; i < work.size(); ++i) {
    Stream& s = *streams[i];
    const Work& w = work[i];
    const int32_t end = w.position + w.rows;
    if (w.layer_end < s.cache.shape().layers)
      std::copy_n(&x_[spans_[i].first * size_t{d_model_}], spans_[i].rows * size_t{d_model_},
                  s.hidden_row(w.position, std::max(end, s.cascade().end)));
    s.pass(w.layer_begin, w.layer_end, end);
  }
}

void Runner::give_logits(std::span<const Work> work, std::span<Stream* const> streams,
                         const Rows& rows) {
  picks_.clear();
  for (size_t i = 0; i < work.size(); ++i) {
    const uint32_t last = spans_[i].rows - 1;
    if (work[i].logits == Logits::kNone) continue;
    for (uint32_t r = work[i].logits == Logits::kAll ? 0 : last; r <= last; ++r)
      picks_.push_back(
          {streams[i], work[i].position + static_cast<int32_t>(r), spans_[i].first + r});
  }
  if (logits_.size() < std::min(kLogitRows, picks_.size()) * vocabulary_)
    logits_.resize(std::min(kLogitRows, picks_.size()) * vocabulary_);
  for (size_t begin = 0; begin < picks_.size(); begin += kLogitRows) {
    const auto picks =
        std::span(picks_).subspan(begin, std::min(kLogitRows, picks_.size() - begin));
    std::vector<uint32_t> picked(picks.size());
    std::ranges::transform(picks, picked.begin(), &Pick::row);
    model_.head(rows, picked, logits_.data());
    for (size_t i = 0; i < picks.size(); ++i)
      picks[i].stream->driver->on_logits(*picks[i].stream, picks[i].position,
                                         std::span(logits_).subspan(i * vocabulary_, vocabulary_));
  }
}

}  // namespace weir
